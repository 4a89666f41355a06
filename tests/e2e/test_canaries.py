"""Secrets stay where they belong. A whole connect, renewals, calls and every kind of trouble with canaries for secrets; then the log,
all answers, the database as pg_dump shows it, every process' arguments, environment and memory are searched for them."""
import base64
import json
import os
import pathlib
import ssl
import subprocess
import threading
import time
import urllib.parse

import pytest

import provider
import ringd
import sealing
from dialpad_sim import CLIENT_SECRET, Browser, Dialpad, dialpad, settings
from ringd import call_event, jwt, request, wait_for

pytestmark = pytest.mark.skipif(os.getuid() != 0, reason="needs root to read the memory of processes")


PASSING = ("access_token", "refresh_token", "code", "code_verifier")    # what goes through the courier and must not stay


class Canaries:
    """Every secret by what it is, and the shapes it may be met in."""

    def __init__(self):
        self.of = {}

    def add(self, kind, text):
        self.of.setdefault(kind, set()).add(text if isinstance(text, bytes) else text.encode())

    def shapes(self, *kinds):
        out = {}
        for kind in kinds or self.of:
            for c in self.of[kind]:
                for shape in (c, c.hex().encode(), base64.b64encode(c), urllib.parse.quote(c, safe="").encode()):
                    out[shape] = kind
        return out

    def found(self, data, *kinds):
        return sorted({kind for shape, kind in self.shapes(*kinds).items() if shape in data})


class Watched(Dialpad):
    """The simulator, over TLS too; whatever secret goes in or out is noted."""

    def __init__(self, canaries, authority):
        super().__init__()
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(authority.issue("simulator"))
        self.plain_url = self.url
        self.twin = dialpad.Server(("127.0.0.1", 0), self.server.RequestHandlerClass)
        self.twin.socket = context.wrap_socket(self.twin.socket, server_side=True)
        threading.Thread(target=self.twin.serve_forever, daemon=True).start()
        self.url = f"https://localhost:{self.twin.server_address[1]}"
        sim, grant, token = self.sim, self.sim.grant, self.sim.token

        def noted_grant(family, user):
            answer = grant(family, user)
            for name in ("access_token", "refresh_token"):
                canaries.add(name, answer[name])
            return answer

        def noted_token(form, basic):
            for name in ("code", "code_verifier"):
                if form.get(name):
                    canaries.add(name, form[name])
            return token(form, basic)
        sim.grant, sim.token = noted_grant, noted_token


    def stop(self):
        super().stop()
        self.twin.shutdown()
        self.twin.server_close()


def writable(pid):
    """All memory a process can write to: heap, stacks, data, libraries' data."""
    with open(f"/proc/{pid}/maps", encoding="ascii") as maps, open(f"/proc/{pid}/mem", "rb", buffering=0) as mem:
        for line in maps:
            where, mode = line.split()[:2]
            if "w" not in mode:
                continue
            start, end = (int(x, 16) for x in where.split("-"))
            try:
                mem.seek(start)
                yield line.rstrip(), mem.read(end - start)
            except (OSError, ValueError):
                continue


def in_memory(pid, canaries, *kinds):
    return sorted({(kind, line.split()[-1]) for line, data in writable(pid) for kind in canaries.found(data, *kinds)})


@pytest.fixture(scope="module")
def story(base, pg, new_daemon):
    """The life of a connection, with everything on the way kept: the canaries, what was answered, and the daemon, idle again."""
    canaries, answers = Canaries(), []
    authority = provider.Authority(base / "canary-authority")
    sim = Watched(canaries, authority)
    d = new_daemon()
    ring = {1: os.urandom(32), 2: os.urandom(32)}
    keys = sealing.write_ring(d.base / "keys", ring)
    for key in ring.values():
        canaries.add("master key", key)
    canaries.add("client secret", CLIENT_SECRET)
    canaries.add("database password", "canary-database-password")
    s = settings(sim, d.port, keys)
    s["courier"].update(timeout="4s", connect_timeout="2s", ca_file=str(authority.ca_file))
    d.write(log={"level": "debug", "access": "true"}, **s)
    d.config.write_text(d.config.read_text().replace("user=ringd_courier", "user=ringd_courier password=canary-database-password"))
    d.start()
    t = ringd.Tenant(pg.dsn(d.database), "Canary")
    canaries.add("hook secret", t.secret)
    key = ringd.ringctl("key", "create", t.id, "--scopes", "dial,connect", database=pg.dsn(d.database))["api_key"]
    canaries.add("api key", key)
    canaries.add("api key", t.key)

    def keep(a):
        answers.append(repr(a.headers).encode() + a.body)
        return a

    def connect():
        browser = Browser()
        link = ringd.ringctl("dialpad", "connect-url", t.id, database=pg.dsn(d.database), config=d.config)["url"]
        there = keep(browser.get(link))
        return keep(browser.get(browser.consent(there.headers["location"].replace(sim.url, sim.plain_url))))

    def renew(**faults):
        before = sim.count("token.refresh_token") + sum(n for k, n in sim.sim.counts.items() if k.startswith("fault.token"))
        sim.misbehave(**faults)
        with pg.connect(d.database) as c, c.cursor() as q:
            q.execute("UPDATE dialpad_connections SET next_try_at = now()")
        wait_for("a renewal", lambda: sim.count("token.refresh_token") + sum(n for k, n in sim.sim.counts.items() if k.startswith("fault.token")) > before)

    def dial(**more):
        body = json.dumps({"user_id": "5600110022003300", "phone_number": "+15550142233", **more})
        return keep(request(d.port, "POST", "/api/calls", {"x-app-api-key": key}, body, 30))

    for fault in ("echo", "401", "garbage", "error_in_200", "close"):
        sim.misbehave(token=fault)
        assert connect().status in (502, 503)
    for fault in ("401", "garbage", "404"):
        sim.misbehave(times=4, rest__users=fault)
        connect()
        sim.sim.faults.clear()
    assert connect().status == 200
    for fault in ("echo", "garbage", "error_503"):
        with pg.connect(d.database) as c, c.cursor() as q:
            q.execute("UPDATE dialpad_connections SET state = 'connected', attempts = 0")
        renew(token=fault)
    sim.sim.faults.clear()
    time.sleep(0.3)
    assert connect().status == 200
    renew()
    with sim.sim.lock:
        for held in sim.sim.access.values():
            held["until"] = 0
    assert dial(custom_data="x").status == 201          # with a 401 and a renewal on the way
    wait_for("the courier to be idle", lambda: request(d.admin, "GET", "/courier").json["data"]["provider_requests_under_way"] == 0)
    d.left_behind = in_memory(d.pids("courier")[0], canaries, *PASSING)
    for fault in ("echo", "400", "close", "error_500"):
        sim.misbehave(rest__call=fault)
        dial()
    keep(d.post(t.path, jwt(call_event(1), t.secret)))
    keep(d.post(t.path, jwt(call_event(2), "wrong" * 8)))
    for path in ("/courier", "/keyring", "/status", "/health/ready"):
        keep(request(d.admin, "GET", path))
    keep(request(d.admin, "POST", "/courier/probe"))
    keep(d.get("/api/calls", t.key))
    sim.misbehave(token="hang")                         # and one that never comes back
    connect()
    sim.stop()
    wait_for("the courier to be idle", lambda: request(d.admin, "GET", "/courier").json["data"]["provider_requests_under_way"] == 0, 40)
    yield d, canaries, answers
    assert d.stop() == 0
    assert not canaries.found(d.text().encode()), "at the end"


def test_the_test_itself_finds_what_is_there(story):
    d, canaries, _ = story
    assert len(canaries.of["access_token"]) >= 4 and len(canaries.of["code_verifier"]) >= 3
    assert ("client secret", "[heap]") in in_memory(d.pids("courier")[0], canaries)
    assert canaries.found(d.config.read_bytes()) == ["client secret", "database password"]


def test_the_log(story):
    d, canaries, _ = story
    assert " DEBUG " in d.text().upper() or "debug" in d.text()
    assert canaries.found(d.text().encode()) == []


def test_the_answers(story):
    _, canaries, answers = story
    assert len(answers) > 30
    assert canaries.found(b"\n".join(answers)) == []


def test_the_database(pg, story):
    d, canaries, _ = story
    dump = subprocess.run([str(ringd.pg_bin() / "pg_dump"), "--inserts", pg.dsn(d.database, "postgres")], capture_output=True, check=True, timeout=60).stdout
    assert b"INSERT INTO public.dialpad_connections" in dump and b"INSERT INTO public.dialpad_dials" in dump
    # What deliveries are verified with is what every worker must be able to read; it stands in one table and nowhere else.
    elsewhere = b"\n".join(line for line in dump.splitlines() if not line.startswith(b"INSERT INTO public.hook_lookup"))
    assert canaries.found(dump) == ["hook secret"] and canaries.found(elsewhere) == []
    assert canaries.found((pg.base / "log").read_bytes()) == []


def test_arguments_and_environment(story):
    d, canaries, _ = story
    pids = [d.process.pid] + [c["pid"] for c in d.status()["children"]]
    assert len(pids) == 5
    for pid in pids:
        for name in ("cmdline", "environ"):
            assert canaries.found(pathlib.Path(f"/proc/{pid}/{name}").read_bytes()) == [], (pid, name)


def test_the_memory_of_workers_and_reaper(story):
    d, canaries, _ = story
    for role in ("worker", "reaper"):
        for pid in d.pids(role):
            assert in_memory(pid, canaries, "access_token", "refresh_token", "client secret", "master key", "database password") == [], role


def test_the_memory_of_the_master(story):
    """It hands the keys and the client's secret on to couriers to come; tokens it never meets."""
    d, canaries, _ = story
    assert in_memory(d.process.pid, canaries, *PASSING) == []


def test_the_courier_keeps_no_token(story):
    """Idle, it holds its keys and the client's secret, and no token, code or verifier of all those that went through it."""
    d, canaries, _ = story
    assert d.left_behind == [], d.left_behind
    assert in_memory(d.pids("courier")[0], canaries, *PASSING) == []
