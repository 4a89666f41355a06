"""No two readings of one stream: attacks of smuggling.py through each proxy, and to ringd without one.

Three things must hold. What ringd served, the proxy passed on as a request of its own, with the status it got (both log ids). On the
attacker's connection the answers come in the order of its requests, and none is somebody else's. And whoever comes next, on another connection
over the same pool, gets its own answer.
"""
import concurrent.futures
import os
import re
import socket
import time

import pytest

import proxies
import ringd
from proxies import Answers, get, lines_of
from ringd import wait_for
from smuggling import ATTACKS, BEHIND, NO_HEAD

pytestmark = pytest.mark.skipif(bool(proxies.MISSING), reason=f"needs {' and '.join(proxies.MISSING)}")
UNLIMITED = {"nginx": (("rate=100r/s", "rate=100000r/s"), ("burst=200", "burst=10000")), "haproxy": (("gt 300", "gt 1000000"),)}
SILENCE = 1.5       # seconds a reader may leave us waiting for what will not come


class Direct:
    """ringd itself in a proxy's place."""
    kind, variant = "none", "http"

    def __init__(self, daemon):
        self.port = daemon.port

    def connect(self, timeout=15):
        return socket.create_connection(("127.0.0.1", self.port), timeout=timeout)


def attack(proxy, uid, data):
    """What the attacker got, then what three innocents got."""
    mine = []
    with proxy.connect(SILENCE) as s:
        answers = Answers(s, ["GET" if not data.startswith(b"HEAD") else "HEAD"])
        try:
            s.sendall(data + get(f"/next-{uid}", f"X-Request-Id: {uid}.n"))
        except OSError:
            pass
        try:
            mine = answers.read(5)
        except AssertionError as e:
            mine = [e]
    victims = []
    for n in range(3):
        with proxy.connect() as s:
            s.sendall(get(f"/victim-{uid}", f"X-Request-Id: {uid}.v{n}", "Connection: close"))
            victims.append(Answers(s).read(2))
    return mine, victims


def judge(name, uid, mine, victims, proxied, served):
    """What is wrong with one attack's outcome, as text; proxied is None where a proxy writes no line per request."""
    if any(isinstance(m, AssertionError) for m in mine):
        if name not in NO_HEAD:
            return f"answers out of step: {mine}"
        mine = []
    order = [m.id.rsplit(".", 1)[1] for m in mine if m.id and m.id.startswith(uid + ".")]
    foreign = [m.id for m in mine if m.id and m.id.startswith("dx.") and not m.id.startswith(uid + ".")]
    if foreign or order != sorted(order, key="1sn".index):
        return f"answers of others or out of order: {mine}"
    for n, got in enumerate(victims):
        if [(g.status, g.id) for g in got] != [(404, f"{uid}.v{n}")]:
            return f"a victim got {got}"
    smuggled = served.get(uid + ".s")
    if proxied is None:
        return f"ringd took the smuggled request: {smuggled}" if smuggled and name not in BEHIND else None
    for rid in (uid + ".1", uid + ".s", uid + ".n"):
        inner = [m[1] for line in served.get(rid, []) if (m := re.search(r" status=(\d+) ", line))]
        outer = [m[1] for line in proxied.get(rid, []) if (m := re.search(r'" (\d{3}) ', line))]
        if any(inner.count(status) > outer.count(status) for status in inner if status != "499"):
            return f"ringd answered {rid} with {inner}, the proxy knows {outer}"
    return None


def battery(proxy, daemon, attacks):
    run = os.urandom(3).hex()
    uids = {name: f"dx.{run}.{n}" for n, name in enumerate(attacks)}
    with concurrent.futures.ThreadPoolExecutor(24) as pool:
        jobs = {name: pool.submit(attack, proxy, uids[name], build(uids[name].encode())) for name, build in attacks.items()}
        got = {name: job.result() for name, job in jobs.items()}
    last = f"dx.{run}.last"
    with proxy.connect() as s:
        s.sendall(get("/last", f"X-Request-Id: {last}", "Connection: close"))
        assert Answers(s).one().id == last
    wait_for("ringd's log to be written", lambda: f"id={last}\n" in daemon.text(), 10)
    logs = proxy.kind != "none" and proxy.variant == "http"
    if logs:
        wait_for("the proxy's log to be written", lambda: f"id={last}" in proxy.text(), 10)
        time.sleep(1)       # other workers and threads write theirs
    served, proxied = lines_of(daemon.text()), lines_of(proxy.text()) if logs else None
    wrong = {name: why for name, uid in uids.items() if (why := judge(name, uid, *got[name], proxied, served))}
    # A line of ringd with a smuggled path and no id of ours would be missed above.
    for name, uid in uids.items():
        if f"/smuggled-{uid} " in daemon.text() and f"/smuggled-{uid}" not in (proxy.text() if logs else "") and name not in BEHIND:
            wrong[name] = "ringd took the smuggled request"
    return wrong


@pytest.fixture(scope="module")
def daemon(new_daemon):
    d = new_daemon(workers=2, proxy={"trusted": "[127.0.0.1]"}).start()
    yield d
    code = d.stop()
    assert code == 0, f"exit {code}\n{d.text()[-3000:]}"


@pytest.fixture(scope="module")
def behind(new_daemon):
    """The same with a PROXY header before everything."""
    port = ringd.free_port()
    d = new_daemon(workers=2, proxy={"trusted": "[127.0.0.1]"}, listen=f"\n  - address: 127.0.0.1:{port}\n    proxy_protocol: true")
    d.port = port
    d.start()
    yield d
    assert d.stop() == 0


@pytest.mark.parametrize("kind", ["nginx", "haproxy"])
def test_through_a_proxy_that_speaks_http(new_proxy, daemon, kind):
    assert battery(new_proxy(kind, daemon, changes=UNLIMITED[kind]), daemon, ATTACKS) == {}


@pytest.mark.parametrize("kind,variant", [("nginx", "v1"), ("haproxy", "v2")])
def test_through_a_proxy_that_passes_bytes_on(new_proxy, behind, kind, variant):
    assert battery(new_proxy(kind, behind, variant), behind, ATTACKS) == {}


def test_without_a_proxy(daemon):
    assert battery(Direct(daemon), daemon, ATTACKS) == {}


def test_a_proxy_that_streams_bodies(new_proxy, daemon):
    """nginx as some set it up: bodies are not collected first, so ringd's early answers meet bytes still coming."""
    p = new_proxy("nginx", daemon, changes=UNLIMITED["nginx"] + (("client_body_buffer_size 64k;", "proxy_request_buffering off;"),))
    assert battery(p, daemon, ATTACKS) == {}
