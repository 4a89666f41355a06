"""Limits: requests of a key, failures and connections of an address, exact over all workers; and when keys were last used."""
import http.client
import os
import re
import signal
import socket
import threading
import time
import uuid
from concurrent.futures import ThreadPoolExecutor

import pytest

import ringd
from prometheus import scrape
from ringd import call_event, jwt, ringctl, wait_for

POLICY = re.compile(r'^"default";q=(\d+);w=(\d+)$')
LEFT = re.compile(r'^"default";r=(\d+);t=(\d+)$')


def told(a):
    """Limit, window, left, seconds to the end of the window: what an answer's header lines say."""
    policy, left = POLICY.match(a.headers["ratelimit-policy"]), LEFT.match(a.headers["ratelimit"])
    assert policy and left, a.headers
    return tuple(map(int, policy.groups() + left.groups()))


def limited(a):
    """A refusal as it has to be."""
    assert a.status == 429 and a.headers["content-type"] == "application/json", a
    limit, window, left, reset = told(a)
    assert left == 0 and 0 < reset <= window and a.headers["retry-after"] == str(reset)
    assert a.json == {"success": False, "error": "Too many requests, please try again later", "code": "rate_limited",
                      "request_id": a.headers["x-request-id"]}
    return True


def ask(d, key, path="/api/calls/active", method="GET", source=None, **headers):
    """One request on a connection of its own, from the source address given."""
    c = http.client.HTTPConnection("127.0.0.1", d.port, timeout=15, source_address=(source, 0) if source else None)
    try:
        h = {k.replace("_", "-"): v for k, v in headers.items()}
        c.request(method, path, headers={**h, "x-app-api-key": key} if key else h)
        r = c.getresponse()
        return ringd.Answer(r.status, {k.lower(): v for k, v in r.getheaders()}, r.read())
    finally:
        c.close()


def exhaust(d, key):
    for _ in range(10000):
        if ask(d, key).status == 429:
            return
    raise AssertionError("never refused")


@pytest.fixture(scope="module")
def daemon(new_daemon):
    d = new_daemon(workers=4, limits={"requests": 100, "failures_per_address": 0}, reaper={"last_used": "200ms"}).start()
    yield d
    assert d.stop() == 0, d.text()[-3000:]


@pytest.fixture
def dsn(pg, daemon):
    return pg.dsn(daemon.database)


@pytest.fixture
def key(dsn):
    """A key nobody has used yet."""
    return ringctl("app", "create", f"App {uuid.uuid4()}", database=dsn)["api_key"]


@pytest.fixture
def tenant(dsn):
    return ringd.Tenant(dsn, f"Tenant {uuid.uuid4()}")


def key_id(dsn, app):
    return ringctl("key", "list", app, database=dsn)[0]["id"]


def test_every_answer_tells(daemon, key):
    seen = []
    for n, (path, method, status) in enumerate([
            ("/api/calls/active", "GET", 200), ("/api/calls?limit=1", "HEAD", 200), (f"/api/calls/{uuid.uuid4()}", "GET", 404),
            ("/api/calls?limit=0", "GET", 400), ("/api/calls?cursor=AAAA", "GET", 400), ("/api/calls/1", "GET", 404)]):
        a = ask(daemon, key, path, method)
        assert a.status == status, a
        limit, window, left, reset = told(a)
        assert (limit, window, left) == (100, 900, 99 - n) and 880 < reset <= 900
        assert "retry-after" not in a.headers
        seen.append(reset)
    assert seen == sorted(seen, reverse=True)
    for a in (ask(daemon, None), ask(daemon, key[:-1]), ask(daemon, key, "/nowhere"), ask(daemon, key, "/api/calls", "DELETE")):
        assert "ratelimit" not in a.headers and "ratelimit-policy" not in a.headers
    assert told(ask(daemon, key))[2] == 93, "what is not a good key's request to a route with keys is not counted"


def test_exactly_the_limit_passes_over_all_workers(daemon, key):
    """64 clients, each with a connection of its own, over 4 workers none of which knows the key."""
    start = threading.Barrier(64)

    def client(_):
        c = http.client.HTTPConnection("127.0.0.1", daemon.port, timeout=30)
        c.connect()
        start.wait()
        out = []
        for _ in range(5):
            c.request("GET", "/api/calls/active", headers={"x-app-api-key": key})
            r = c.getresponse()
            out.append(ringd.Answer(r.status, {k.lower(): v for k, v in r.getheaders()}, r.read()))
        c.close()
        return out
    before = daemon.status()["totals"]["requests_limited"]
    with ThreadPoolExecutor(64) as pool:
        answers = sum(pool.map(client, range(64)), [])
    passed = [a for a in answers if a.status == 200]
    assert len(passed) == 100, len(passed)
    assert sorted(told(a)[2] for a in passed) == list(range(100)), "each saw another number left"
    assert sum(limited(a) for a in answers if a.status != 200) == 220

    wait_for("the counter", lambda: daemon.status()["totals"]["requests_limited"] - before == 220, 5)
    wait_for("more than one worker to have taken part",
             lambda: sum(c["requests_limited"] > 0 for c in daemon.status()["children"]) > 1, 5)


def test_keys_do_not_count_for_each_other(daemon, key, tenant):
    exhaust(daemon, key)
    assert told(ask(daemon, tenant.key))[2] == 99


def test_a_window_passes(new_daemon, pg):
    d = new_daemon(workers=2, limits={"requests": 3, "window": "4s"}).start()
    key = ringctl("app", "create", "Window", database=pg.dsn(d.database))["api_key"]
    began = time.monotonic()
    assert [ask(d, key).status for _ in range(5)] == [200, 200, 200, 429, 429]
    assert time.monotonic() - began < 4, "the machine is too slow for this test"
    a = wait_for("the next window", lambda: [a for a in [ask(d, key)] if a.status == 200], 10)[0]
    assert time.monotonic() - began >= 4
    assert told(a)[:3] == (3, 4, 2)
    assert d.stop() == 0


def test_retry_after_is_not_too_early(new_daemon, pg):
    d = new_daemon(workers=1, limits={"requests": 1, "window": "1s"}).start()
    key = ringctl("app", "create", "Retry", database=pg.dsn(d.database))["api_key"]
    ask(d, key)
    a = ask(d, key)
    assert a.status == 429
    time.sleep(int(a.headers["retry-after"]))
    assert ask(d, key).status == 200
    assert d.stop() == 0


def test_a_limit_of_its_own(daemon, dsn, tenant):
    kid = key_id(dsn, tenant.id)
    assert told(ask(daemon, tenant.key))[:2] == (100, 900)
    assert ringctl("key", "limit", tenant.id, kid, "5/60s", database=dsn)["rate_limit"] == "5/60s"
    for _ in range(20):                 # once to each worker
        if ask(daemon, tenant.key).status == 429:
            break
    assert told(ask(daemon, tenant.key))[:3] == (5, 60, 0)
    assert ringctl("key", "limit", tenant.id, kid, "5000/15m", database=dsn)["rate_limit"] == "5000/900s"
    a = wait_for("the new limit", lambda: [a for a in [ask(daemon, tenant.key)] if a.status == 200], 5)[0]
    assert told(a)[:2] == (5000, 900)
    ringctl("key", "limit", tenant.id, kid, "off", database=dsn)
    wait_for("no limit", lambda: "ratelimit" not in ask(daemon, tenant.key).headers, 5)
    ringctl("key", "limit", tenant.id, kid, "default", database=dsn)
    wait_for("the default", lambda: '"default";q=100;' in ask(daemon, tenant.key).headers.get("ratelimit-policy", ""), 5)


def test_a_key_made_with_a_limit(daemon, dsn, tenant):
    two = ringctl("key", "create", tenant.id, "--rate-limit", "2/1h", database=dsn)["api_key"]
    assert [ask(daemon, two).status for _ in range(4)] == [200, 200, 429, 429]
    free = ringctl("key", "create", tenant.id, "--rate-limit", "off", database=dsn)["api_key"]
    answers = [ask(daemon, free) for _ in range(120)]
    assert {a.status for a in answers} == {200} and not any("ratelimit" in a.headers for a in answers)
    limits = [k["rate_limit"] for k in ringctl("key", "list", tenant.id, database=dsn)]
    assert limits == ["default", "2/3600s", "off"]


@pytest.mark.parametrize("rate", ["", "5", "0/15m", "5/0s", "5/1500ms", "5/2d", "10000001/15m", "5/15", "x", "5/15m/2", "of"])
def test_what_is_no_limit(dsn, tenant, rate):
    done = ringctl("key", "limit", tenant.id, str(uuid.uuid4()), rate, database=dsn, check=False)
    assert done.returncode == 2 and "expected" in done.stderr, done
    assert ringctl("key", "limit", tenant.id, str(uuid.uuid4()), "off", database=dsn, check=False).returncode == 3


def test_a_refused_key_that_is_revoked_is_wrong_not_early(daemon, dsn, db, tenant):
    exhaust(daemon, tenant.key)
    assert limited(ask(daemon, tenant.key))
    ringctl("key", "revoke", tenant.id, key_id(dsn, tenant.id), database=dsn)
    # A refused key is asked about again every 50 ms on each worker.
    a = wait_for("401", lambda: [a for a in [ask(daemon, tenant.key)] if a.status == 401], 3)[0]
    assert a.json["error"] == "Invalid API key" and "ratelimit" not in a.headers
    wait_for("401 everywhere", lambda: {ask(daemon, tenant.key).status for _ in range(12)} == {401}, 3)


def test_an_inactive_app_is_told_so_and_limited(daemon, dsn, tenant):
    ringctl("app", "disable", tenant.id, database=dsn)
    a = ask(daemon, tenant.key)
    assert a.status == 403 and told(a)[2] == 99
    exhaust(daemon, tenant.key)
    ringctl("app", "enable", tenant.id, database=dsn)


def test_webhooks_are_never_limited(new_daemon, pg):
    d = new_daemon(workers=2, limits={"requests": 2, "failures_per_address": 2}).start()
    t = ringd.Tenant(pg.dsn(d.database), "Hooks")
    exhaust(d, t.key)
    for _ in range(4):
        ask(d, None)
    assert ask(d, None).status == 429, "this address has failed too often"
    for i in range(30):
        a = d.post(t.path, jwt(call_event(100 + i), t.secret), {"x-app-api-key": t.key})
        assert a.status == 200 and "ratelimit" not in a.headers, a
        assert d.post(t.path, jwt(call_event(1), "wrong")).status == 401
        assert d.post("/webhooks/dialpad", jwt(call_event(1), "wrong")).status == 401
    assert d.stop() == 0


def test_a_reload_keeps_counts_and_applies_the_new_limit(new_daemon, pg):
    d = new_daemon(workers=2, limits={"requests": 10}).start()
    key = ringctl("app", "create", "Reload", database=pg.dsn(d.database))["api_key"]
    for _ in range(8):
        assert ask(d, key).status == 200

    def reload(**limits):
        generation = d.status()["generation"]
        d.write(limits=limits)
        d.kill(signal.SIGHUP)
        wait_for("the reload", lambda: d.status()["generation"] == generation + 1 and len(d.pids("worker")) == 2, 30)
        wait_for("the old ones to go", lambda: len(d.status()["children"]) == 3, 40)
    reload(requests=20)
    assert told(ask(d, key))[:3] == (20, 900, 11)
    reload(requests=5)
    a = ask(d, key)
    assert limited(a) and told(a)[:2] == (5, 900)
    reload(requests=0)
    assert "ratelimit" not in ask(d, key).headers
    reload(requests=100, window="1m")
    assert told(ask(d, key))[:3] == (100, 60, 99), "a shorter window begins at once"
    assert d.stop() == 0


def test_killed_workers_take_no_count_along(new_daemon, pg):
    d = new_daemon(workers=3, limits={"requests": 300}).start()
    key = ringctl("app", "create", "Killed", database=pg.dsn(d.database))["api_key"]
    stop, passed, lost = threading.Event(), [0] * 6, [0] * 6

    def client(i):
        while not stop.is_set():
            try:
                if ask(d, key).status == 200:
                    passed[i] += 1
            except (OSError, http.client.HTTPException):
                lost[i] += 1            # perhaps counted, never answered
    def refused():
        return d.status()["totals"]["requests_limited"]
    threads = [threading.Thread(target=client, args=(i,)) for i in range(6)]
    for t in threads:
        t.start()
    try:
        for n in range(1, 4):
            wait_for("some to pass", lambda: sum(passed) >= 20 * n, 20)
            os.kill(wait_for("a worker", lambda: d.pids("worker"), 20)[0], signal.SIGKILL)
            wait_for("its death", lambda: d.status()["restarts"] == n, 20)
        wait_for("the limit", refused, 60)
    finally:
        stop.set()
        for t in threads:
            t.join()
    assert 300 - sum(lost) <= sum(passed) <= 300, (passed, lost)
    assert ask(d, key).status == 429
    assert d.stop() == 0


# ---- failures

@pytest.fixture(scope="module")
def strict(new_daemon):
    d = new_daemon(workers=2, limits={"failures_per_address": 5, "failure_window": "1h"}, proxy={"trusted": "[127.0.0.9, unix]"}).start()
    yield d
    assert d.stop() == 0


def stranger(pg, new_database):
    return ringctl("app", "create", "Elsewhere", database=pg.dsn(new_database()))["api_key"]


def test_too_many_failures(strict, pg, new_database):
    d, dsn = strict, pg.dsn(strict.database)
    good = ringctl("app", "create", "Good", database=dsn)["api_key"]
    idle = ringctl("app", "create", "Idle", database=dsn)["api_key"]
    unknown = stranger(pg, new_database)
    assert ask(d, good, source="127.0.0.2").status == 200
    bad = [None, "app_nonsense", unknown, good[:-1] + ("0" if good[-1] != "0" else "1"), unknown]
    assert [ask(d, k, source="127.0.0.2").status for k in bad] == [401] * 5
    for k in (None, "app_nonsense", unknown, idle):
        a = ask(d, k, source="127.0.0.2")
        assert a.status == 429 and a.json["code"] == "too_many_failures" and 3500 < int(a.headers["retry-after"]) <= 3600
        assert a.json["success"] is False and "ratelimit" not in a.headers
    for _ in range(6):                  # on both workers
        assert ask(d, good, source="127.0.0.2").status == 200, "a key that is known to be good goes on working"
    assert ask(d, idle, source="127.0.0.3").status == 200, "another address is not concerned"
    assert ask(d, idle, source="127.0.0.2").status == 200, "and now it is known"
    assert ask(d, None, source="127.0.0.3").status == 401
    wait_for("the counter", lambda: sum(c["failures_limited"] for c in d.status()["children"]) == 4, 5)
    assert "client refused: too many requests without a good API key (limits.failures_per_address) client=127.0.0.2 limit=5" in d.text()


def test_a_revoked_key_uses_up_its_address(strict, pg):
    dsn = pg.dsn(strict.database)
    app = ringctl("app", "create", "Gone", database=dsn)
    assert ask(strict, app["api_key"], source="127.0.0.4").status == 200
    ringctl("key", "revoke", app["id"], key_id(dsn, app["id"]), database=dsn)
    assert [ask(strict, app["api_key"], source="127.0.0.4").status for _ in range(8)] == [401] * 5 + [429] * 3


def test_failures_count_for_the_client_behind_a_trusted_proxy(strict):
    via = {"source": "127.0.0.9"}
    assert [ask(strict, None, x_forwarded_for="203.0.113.7", **via).status for _ in range(7)] == [401] * 5 + [429] * 2
    assert ask(strict, None, x_forwarded_for="203.0.113.8", **via).status == 401
    # All of a /64 is one client; a proxy that names nobody stands for many; a forged name counts for who sent it.
    assert [ask(strict, None, x_forwarded_for=f"2001:db8:0:1::{n:x}", **via).status for n in range(7)] == [401] * 5 + [429] * 2
    assert ask(strict, None, x_forwarded_for="2001:db8:0:2::1", **via).status == 401
    assert {ask(strict, None, **via).status for _ in range(12)} == {401}
    assert [ask(strict, None, source="127.0.0.5", x_forwarded_for=f"203.0.113.{n}").status for n in range(7)] == [401] * 5 + [429] * 2


def test_too_many_failures_cost_the_database_nothing(new_daemon, pg, new_database):
    d = new_daemon(workers=1, limits={"failures_per_address": 3, "failure_window": "1h"}).start()
    dsn = pg.dsn(d.database)
    good, gone = (ringctl("app", "create", name, database=dsn) for name in ("Good", "Gone"))
    unknown = stranger(pg, new_database)
    assert [ask(d, k["api_key"], source="127.0.0.2").status for k in (good, gone)] == [200, 200]
    ringctl("key", "revoke", gone["id"], key_id(dsn, gone["id"]), database=dsn)
    assert [ask(d, gone["api_key"], source="127.0.0.2").status for _ in range(4)] == [401] * 3 + [429]
    with pg.connect("postgres", "postgres") as c:
        c.cursor().execute(f"ALTER DATABASE {d.database} ALLOW_CONNECTIONS false")
        c.cursor().execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", (d.database,))
        wait_for("the database to be away", lambda: ask(d, good["api_key"], source="127.0.0.2").status == 503, 10)
        for k in (None, unknown, gone["api_key"]):
            assert ask(d, k, source="127.0.0.2").status == 429
        assert ask(d, unknown, source="127.0.0.3").status == 503
        c.cursor().execute(f"ALTER DATABASE {d.database} ALLOW_CONNECTIONS true")
    assert d.stop() == 0


def test_strangers_keys_take_no_room(daemon, pg, new_database, key):
    """What is not known to be good is not in the table: an address without failures left cannot use it."""
    d = daemon
    unknown = [stranger(pg, new_database) for _ in range(3)]
    for k in unknown * 5:
        a = ask(d, k)
        assert a.status == 401 and "ratelimit" not in a.headers
    assert told(ask(d, key))[2] == 99


# ---- connections

def held(d, source):
    """A connection with one answer behind it, or None when it was closed instead."""
    s = socket.create_connection(("127.0.0.1", d.port), timeout=10, source_address=(source, 0))
    try:
        s.sendall(b"GET /x HTTP/1.1\r\nHost: x\r\n\r\n")
        if s.recv(4096).startswith(b"HTTP/1.1 404"):
            return s
    except (ConnectionResetError, BrokenPipeError):
        pass
    s.close()
    return None


def begin_body(d, source, length, key=""):
    """A request whose body does not come, or what it was told instead."""
    s = socket.create_connection(("127.0.0.1", d.port), timeout=10, source_address=(source, 0))
    s.sendall(b"POST /webhooks/dialpad HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: %d\r\n\r\n" % length)
    return s, s.recv(4096)


def test_bodies_of_an_address(new_daemon):
    """Whoever announces bodies and sends them slowly takes his part of the memory and not all of it."""
    d = new_daemon(workers=1, http={"body_memory": "4M"}, limits={"body_memory_per_address": "2500K"}, proxy={"trusted": "127.0.0.9"}).start()
    slow = [begin_body(d, "127.0.0.2", 1 << 20) for _ in range(5)]
    told = [answer.split(b"\r\n")[0] for _, answer in slow]
    assert told == [b"HTTP/1.1 100 Continue"] * 2 + [b"HTTP/1.1 503 Service Unavailable"] * 3, told
    assert b"from your address" in slow[4][1] and b"Retry-After" in slow[4][1], slow[4][1]
    assert d.status()["totals"]["bodies_limited"] == 3 and scrape(d.admin).get("ringd_limited_total", what="bodies") == 3
    assert "body refused: its address sends too many at a time (limits.body_memory_per_address) client=127.0.0.2 bytes=2097152" in d.text()
    another = begin_body(d, "127.0.0.3", 1 << 20)
    assert another[1].startswith(b"HTTP/1.1 100 ")
    slow[0][0].close()
    wait_for("room again", lambda: begin_body(d, "127.0.0.2", 1 << 20)[1].startswith(b"HTTP/1.1 100 "), 5)
    for s, _ in (*slow, another):
        s.close()
    wait_for("all to be gone", lambda: begin_body(d, "127.0.0.9", 1 << 20)[1].startswith(b"HTTP/1.1 100 "), 5)
    proxy = [begin_body(d, "127.0.0.9", 1 << 20) for _ in range(3)]
    assert all(answer.startswith(b"HTTP/1.1 100 ") for _, answer in proxy), "a trusted proxy stands for many"
    for s, _ in proxy:
        s.close()
    assert d.stop() == 0


def test_a_large_body_is_let_in_alone(new_daemon):
    d = new_daemon(workers=1, limits={"body_memory_per_address": "64K"}).start()
    one = begin_body(d, "127.0.0.2", 1 << 20)
    assert one[1].startswith(b"HTTP/1.1 100 ") and begin_body(d, "127.0.0.2", 1)[1].startswith(b"HTTP/1.1 503 ")
    one[0].close()
    assert d.stop() == 0


def open_still(s):
    s.setblocking(False)
    try:
        return s.recv(1) != b""
    except BlockingIOError:
        return True
    except ConnectionResetError:
        return False


def test_connections_of_an_address(new_daemon):
    d = new_daemon(workers=3, limits={"connections_per_address": 8}, proxy={"trusted": "127.0.0.9"}).start()
    mine = [held(d, "127.0.0.2") for _ in range(8)]
    assert all(mine)
    assert [held(d, "127.0.0.2") for _ in range(5)] == [None] * 5
    other = [held(d, "127.0.0.3") for _ in range(8)]
    assert all(other)
    proxy = [held(d, "127.0.0.9") for _ in range(20)]
    assert all(proxy), "a trusted proxy stands for many"
    wait_for("the counter", lambda: sum(c["connections_limited"] for c in d.status()["children"]) == 5, 5)
    assert "connection closed: its address holds too many (limits.connections_per_address) client=127.0.0.2 holds=8" in d.text()
    mine.pop().close()
    mine.append(wait_for("room for one more", lambda: held(d, "127.0.0.2"), 5))
    # What a worker held when it died is free again before it has a successor, and nobody else's.
    for pid in d.pids("worker")[:2]:
        os.kill(pid, signal.SIGKILL)
    wait_for("their end", lambda: d.status()["restarts"] == 2, 20)
    alive = sum(open_still(s) for s in mine)
    again = [held(d, "127.0.0.2") for _ in range(8 - alive)]
    assert all(again) and held(d, "127.0.0.2") is None
    for s in mine + other + proxy + again:
        s.close()
    d.write(limits={"connections_per_address": 0})
    d.kill(signal.SIGHUP)
    wait_for("the reload", lambda: d.status()["generation"] == 2, 20)
    many = [held(d, "127.0.0.2") for _ in range(30)]
    assert all(many)
    for s in many:
        s.close()
    assert d.stop() == 0


def test_connections_behind_a_proxy_header(new_daemon):
    d = new_daemon(workers=2, limits={"connections_per_address": 3})
    d.write(listen=f"\n  - address: 127.0.0.1:{d.port}\n    proxy_protocol: true")
    d.start()

    def via(client):
        s = socket.create_connection(("127.0.0.1", d.port), timeout=10)
        s.sendall(f"PROXY TCP4 {client} 192.0.2.1 4000 443\r\n".encode() + b"GET /x HTTP/1.1\r\nHost: x\r\n\r\n")
        try:
            if s.recv(4096).startswith(b"HTTP/1.1 404"):
                return s
        except ConnectionResetError:
            pass
        s.close()
        return None
    first = [via("203.0.113.1") for _ in range(3)]
    assert all(first) and via("203.0.113.1") is None
    others = [via(f"203.0.113.{n}") for n in range(2, 12)]
    assert all(others), "they all come from one proxy"
    for s in first + others:
        s.close()
    assert wait_for("room again", lambda: via("203.0.113.1"), 5).close() is None
    assert d.stop() == 0


# ---- last use

def last_used(db, app):
    with db.cursor() as c:
        c.execute("SELECT extract(epoch FROM last_used_at) FROM api_keys WHERE app_id = %s", (app,))
        return c.fetchone()[0]


def test_last_use_is_written_without_a_write_per_request(daemon, dsn, db, tenant):
    assert last_used(db, tenant.id) is None
    shown = ringctl("key", "list", tenant.id, database=dsn)[0]
    assert shown["last_used_at"] is None
    before = time.time()
    for _ in range(30):
        ask(daemon, tenant.key)
    used = wait_for("the last use", lambda: last_used(db, tenant.id), 5)
    assert before - 1 < used < time.time() + 1
    assert ringctl("key", "list", tenant.id, database=dsn)[0]["last_used_at"].startswith(time.strftime("%Y-", time.gmtime(float(used))))
    time.sleep(0.3)
    with db.cursor() as c:
        c.execute("SELECT xmin::text FROM api_keys WHERE app_id = %s", (tenant.id,))
        row = c.fetchone()
        time.sleep(0.6)
        c.execute("SELECT xmin::text FROM api_keys WHERE app_id = %s", (tenant.id,))
        assert c.fetchone() == row, "an idle key is not written again"
    ask(daemon, tenant.key)
    wait_for("a later use", lambda: last_used(db, tenant.id) > used, 5)


def test_a_wrong_or_refused_use_is_none(daemon, dsn, db, tenant):
    ringctl("key", "revoke", tenant.id, key_id(dsn, tenant.id), database=dsn)
    ask(daemon, tenant.key)
    time.sleep(0.6)
    assert last_used(db, tenant.id) is None


def test_the_last_use_before_a_stop_is_written(new_daemon, pg):
    d = new_daemon(limits={"requests": 0}).start()          # a minute between writes
    app = ringctl("app", "create", "Stop", database=pg.dsn(d.database))
    c = http.client.HTTPConnection("127.0.0.1", d.port, timeout=15)
    for _ in range(1200):               # more than the reaper would hold, were it told of each
        c.request("GET", "/api/calls/active", headers={"x-app-api-key": app["api_key"]})
        assert c.getresponse().read().startswith(b'{"success":true')
    c.close()
    with pg.connect(d.database) as c:
        assert last_used(c, app["id"]) is None
        assert d.stop() == 0
        assert last_used(c, app["id"]) is not None


def test_unused_keys(daemon, dsn, db, tenant):
    def age(sql):
        with db.cursor() as c:
            c.execute(f"UPDATE api_keys SET {sql} WHERE app_id = %s", (tenant.id,))

    def unused():
        return len(ringctl("key", "list", tenant.id, "--unused", "90d", database=dsn))
    assert unused() == 0, "it is new"
    age("created_at = now() - interval '91 days'")
    assert unused() == 1, "never used"
    age("last_used_at = now() - interval '89 days'")
    assert unused() == 0
    age("last_used_at = now() - interval '91 days'")
    assert unused() == 1
    age("revoked_at = now()")
    assert unused() == 0, "nobody can use it any more"
