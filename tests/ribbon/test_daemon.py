"""The ribbon in a browser, on the real daemon: linked with the simulator of Exotel, its scripts served by ringd itself."""
import json
import os
import pathlib
import shutil
import subprocess
import sys

import pytest

import exotel_sim
import ringd
from dialpad_sim import key_ring
from exotel_sim import Exotel
from test_canaries import Canaries, in_memory

HERE = pathlib.Path(__file__).resolve().parent
VERSION = json.loads((ringd.TOP / "src/ribbon/package.json").read_text())["version"]


@pytest.fixture
def stage(base, pg, new_daemon):
    """A daemon whose app has an agent who speaks in the browser and one with a telephone; and what browser.js must know of it."""
    sim, sip_port, page_port, example_port = Exotel(), ringd.free_port(), ringd.free_port(), ringd.free_port()
    shutil.copytree(ringd.TOP / "build/ribbon" / VERSION, base / "ribbon-built")
    d = new_daemon()
    s = exotel_sim.settings(sim, d.port, key_ring(d.base), sip_server=f"ws://127.0.0.1:{sip_port}/wss")
    d.write(ribbon={"files": base / "ribbon-built", "dispositions": '["Reached", "No answer", "Wrong number"]'}, **s)
    d.start()
    dsn = pg.dsn(d.database)
    app = ringd.ringctl("app", "create", "Acme CRM", database=dsn)
    linked = exotel_sim.link(d, dsn, app["id"])
    sim.set(app_hook=linked["hook_url"])
    exotel_sim.add_agent(d, dsn, app["id"])
    exotel_sim.add_agent(d, dsn, app["id"], "agent8", "callback", phone="+919800000008")
    client = ringd.ringctl("client", "create", app["id"], "--origin", f"http://127.0.0.1:{page_port}", "--origin", f"http://localhost:{page_port}",
                           "--origin", f"http://crm.test:{page_port}", "--origin", f"http://127.0.0.1:{example_port}", "--monthly-limit", "10000", "--insecure", database=dsn)
    crm = subprocess.Popen([sys.executable, ringd.TOP / "etc/examples/crm/server.py", str(example_port)], stdout=subprocess.PIPE, text=True,
                           env={**os.environ, "RINGD": f"http://127.0.0.1:{d.port}", "CLIENT_KEY": client["api_key"], "SERVER_KEY": app["api_key"],
                                "AGENT": "agent7", "SIP": f"ws://127.0.0.1:{sip_port}"})
    example = crm.stdout.readline().strip()
    yield {"server": f"http://127.0.0.1:{d.port}", "sim": sim.url, "hook": linked["hook_url"], "sipPort": sip_port, "pagePort": page_port,
           "domain": f"{exotel_sim.ACCOUNT}.voip.exotel.com", "user": "ashar9f2c", "secret": exotel_sim.SIP_SECRET, "key": client["api_key"],
           "serverKey": app["api_key"], "agents": {"webrtc": "agent7", "callback": "agent8"}, "canaries": [*exotel_sim.CANARIES, app["api_key"]],
           "ringctl": [str(ringd.BIN / "ringctl"), "--database", dsn, "-f", str(d.config)], "app": app["id"], "example": example}
    crm.terminate()
    crm.wait(10)
    if os.getuid() == 0:
        secrets = Canaries()
        for canary in exotel_sim.CANARIES:
            secrets.add(canary, canary)
        for pid in (*d.pids("worker"), *d.pids("reaper"), d.master()):
            assert not in_memory(pid, secrets), "a credential of Exotel's is in the memory of a process that is not the courier"
    code = d.stop()
    sim.stop()
    text = d.text()
    assert code == 0 and "Sanitizer" not in text and "runtime error:" not in text, text[-3000:]
    for canary in (*exotel_sim.CANARIES, app["api_key"], client["api_key"]):
        assert canary not in text, "a credential is in the log"


def test_the_ribbon_on_the_daemon(stage):
    node = subprocess.Popen(["node", HERE / "browser.js", *os.environ.get("RIBBON_CASES", "").split()], env={**os.environ, "RIBBON_DAEMON": json.dumps(stage)},
                            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    try:
        out, _ = node.communicate(timeout=300)
    except subprocess.TimeoutExpired:
        node.terminate()            # it ends the SIP server and the browsers it started
        out, _ = node.communicate(timeout=30)
    print(out)
    assert node.returncode == 0, "see above"
