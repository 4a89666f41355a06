"""/metrics and /health: what is counted is what happened, and no counter falls, whatever happens to the processes."""
import http.client
import os
import re
import signal
import socket
import subprocess
import threading

import pytest

import ringd
from prometheus import scrape
from ringd import BIN, call_event, drained, jwt, request, wait_for
from test_process import Load

ROUTES = {"none", "calls_active", "calls", "call", "hook_dialpad", "hook_exotel", "oauth_connect", "oauth_callback", "health_live",
          "health_ready", "status", "metrics"}


@pytest.fixture
def d(new_daemon):
    x = new_daemon(http={"drain_timeout": "5s"}).start()
    yield x
    x.stop()


@pytest.fixture
def tenant(d, pg):
    return ringd.Tenant(pg.dsn(d.database), "Metrics")


def requests_made(m):
    return {(dict(labels)["route"], dict(labels)["code"]): v for (name, labels), v in m.samples.items()
            if name == "ringd_http_requests_total" and v > 0}


def events(m):
    return {dict(labels)["outcome"]: v for (name, labels), v in m.samples.items() if name == "ringd_events_total"}


def test_what_is_shown_is_what_is_listed(daemon):
    m = scrape(daemon.admin)
    listed = [line.split("\t") for line in
              subprocess.run([BIN / "ringd", "--metrics"], capture_output=True, text=True, check=True, timeout=20).stdout.splitlines()]
    absent = {"ringd_certificate_not_after_seconds"}       # what is not there has no series: no TLS here
    assert absent.isdisjoint(m.types)
    listed = [row for row in listed if row[0] not in absent]
    assert {name: kind for name, kind, _, _ in listed} == m.types
    assert {name: text for name, _, _, text in listed} == m.helps
    for name, _, labels, _ in listed:
        want = set() if labels == "-" else set(labels.split(","))
        have = {tuple(k for k, _ in key) for (n, key) in m.samples if n.startswith(name)}
        assert any(set(h) - {"le"} == want for h in have), (name, have)
    assert {dict(labels)["route"] for (n, labels) in m.samples if n == "ringd_http_requests_total"} >= ROUTES
    assert m.get("ringd_build_info", version=subprocess.run(
        [BIN / "ringd", "--version"], capture_output=True, text=True, check=True, timeout=20).stdout.split()[1]) == 1
    assert request(daemon.port, "GET", "/metrics").status == 404, "not for the world"
    head = request(daemon.admin, "HEAD", "/metrics")
    assert head.status == 200 and head.body == b""


def test_counts_are_exact(d, pg, tenant):
    before = requests_made(scrape(d.admin))
    for n in range(1, 6):
        assert d.post(tenant.path, jwt(call_event(n), tenant.secret)).status == 200
    event = jwt(call_event(6), tenant.secret)
    for _ in range(3):
        assert d.post(tenant.path, event).status == 200
    assert d.post(tenant.path, jwt(call_event(7), "wrong")).status == 401
    assert d.post("/webhooks/dialpad", b"{}").status in (400, 401)
    for _ in range(7):
        assert d.get("/api/calls/active", tenant.key).status == 200
    for _ in range(4):
        assert d.get("/api/calls").status == 401
    assert d.get("/api/calls/0192f3c0-0000-7000-8000-000000000000", tenant.key).status == 404
    assert d.get("/nowhere").status == 404
    assert request(d.port, "DELETE", "/api/calls").status == 405
    assert request(d.port, "OPTIONS", "/api/calls").status == 204
    ringd.raw(d.port, b"no http at all\r\n\r\n")
    with pg.connect(d.database) as c:
        drained(c)
    wait_for("the reaper's count", lambda: events(scrape(d.admin))["applied"] == 6, 10)
    m = scrape(d.admin)
    after = requests_made(m)
    grown = {k: v - before.get(k, 0) for k, v in after.items() if k[0] not in ("metrics", "status", "health_ready")}
    assert {k: v for k, v in grown.items() if v} == {
        ("hook_dialpad", "2xx"): 8, ("hook_dialpad", "4xx"): 2, ("calls_active", "2xx"): 7, ("calls", "4xx"): 4,
        ("call", "4xx"): 1, ("none", "4xx"): 3, ("none", "2xx"): 1}
    for (route, code), n in after.items():
        if route != "metrics":
            assert m.get("ringd_http_request_duration_seconds_count", route=route, code=code) == n
    assert events(m) == {"stored": 6, "duplicate": 2, "refused": 2, "deferred": 0, "applied": 6, "failed": 0, "dead": 0}
    assert m.get("ringd_ingest_batch_events_sum") == 8
    assert m.get("ringd_ingest_commit_seconds_count") == 6
    assert 0 < m.get("ringd_ingest_commit_seconds_sum") < 60
    assert m.get("ringd_connections_accepted_total") == 26
    totals = d.status()["totals"]
    assert (totals["events_stored"], totals["events_duplicate"], totals["events_applied"]) == (6, 2, 6)


def test_unknown_paths_and_methods_make_no_series(daemon):
    before = scrape(daemon.admin)
    c = http.client.HTTPConnection("127.0.0.1", daemon.port, timeout=15)
    for n in range(1000):
        c.request(["GET", "PUT", "PATCH"][n % 3], f"/{n}/x{n}?{n}=1")
        r = c.getresponse()
        r.read()
        assert r.status == 404
    c.close()
    for n in range(20):
        ringd.raw(daemon.port, f"BREW{n} /{n} HTTP/1.1\r\nHost: {n}\r\n\r\n".encode())
    after = scrape(daemon.admin)
    assert set(after.samples) == set(before.samples)
    assert after.get("ringd_http_requests_total", route="none", code="4xx") >= \
        before.get("ringd_http_requests_total", route="none", code="4xx") + 1000


class Scraper:
    """Scrapes as fast as it can and notes every counter that fell and every series that came or went."""

    def __init__(self, d):
        self.d, self.stop_flag, self.faults, self.count, self.last = d, threading.Event(), [], 0, None
        self.thread = threading.Thread(target=self.run)

    def run(self):
        try:
            while not self.stop_flag.is_set():
                self.look()
        except Exception as e:      # pylint: disable=broad-except
            self.faults.append(repr(e))

    def look(self):
        try:
            m = scrape(self.d.admin)
        except (OSError, http.client.HTTPException):
            return      # the worker that had the connection was killed
        now = m.counters()
        if self.last:
            self.faults += [(k, self.last[k], v) for k, v in now.items() if v < self.last.get(k, 0)]
            self.faults += list(set(now) ^ set(self.last))
        self.last = now
        self.count += 1

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.stop_flag.set()
        self.thread.join(20)


def kill_and_reload(d, times):
    generation, deaths = 1, 0
    for n in range(times):
        for role in ("worker", "reaper"):
            os.kill(wait_for(f"a {role}", lambda r=role: d.pids(r), 20)[0], signal.SIGKILL)
            deaths += 1
            wait_for("its burial", lambda k=deaths: d.status()["restarts"] == k, 20)
        if n % 2 == 0:
            continue
        generation += 1
        d.kill(signal.SIGHUP)
        wait_for("the next generation", lambda g=generation: d.status()["generation"] == g, 30)
        wait_for("the old to be gone", lambda g=generation: {c["generation"] for c in d.status()["children"]} == {g}, 20)


def test_no_counter_falls_when_children_die_and_generations_change(d, pg, tenant):
    with Scraper(d) as s, Load(d, tenant) as load:
        kill_and_reload(d, 6)
    assert not s.faults, s.faults[:10]
    assert s.count > 10 and len(load.acked) > 100
    with pg.connect(d.database) as c:
        drained(c, 30)
    m = scrape(d.admin)
    # An answer is counted before it leaves: what a client has seen is there, whoever was killed after it.
    assert m.get("ringd_http_requests_total", route="hook_dialpad", code="2xx") >= load.statuses[200] // 2
    assert events(m)["stored"] + events(m)["duplicate"] >= len(load.acked)
    assert m.get("ringd_child_restarts_total", role="worker", cause="signal") == 6
    assert m.get("ringd_child_restarts_total", role="reaper", cause="signal") == 6
    assert d.status()["restarts"] == 12
    assert m.get("ringd_generation") == 4 and m.get("ringd_reloads_total", result="ok") == 3


def test_deaths_are_counted_by_cause(d):
    def restarts(role, cause):
        return scrape(d.admin).get("ringd_child_restarts_total", role=role, cause=cause)
    for signo, cause in ((signal.SIGKILL, "signal"), (signal.SIGSYS, "sandbox"), (signal.SIGQUIT, "exit")):
        os.kill(wait_for("the reaper", lambda: d.pids("reaper"), 20)[0], signo)
        wait_for(f"a death by {cause}", lambda c=cause: restarts("reaper", c) == 1, 10)
    assert sum(restarts("worker", c) for c in ("signal", "sandbox", "exit", "timeout")) == 0
    s = d.status()
    assert s["restarts"] == 3 and {(r["role"], r["cause"]) for r in s["restarts_by_cause"] if r["count"]} == {
        ("reaper", "signal"), ("reaper", "sandbox"), ("reaper", "exit")}


def test_a_failed_reload_shows(d):
    good = d.config.read_text()
    assert d.status()["last_reload"] is None
    d.config.write_text(good + "nonsense: 1\n")
    d.kill(signal.SIGHUP)
    wait_for("the failure", lambda: scrape(d.admin).get("ringd_reloads_total", result="failed") == 1, 10)
    assert scrape(d.admin).get("ringd_last_reload_successful") == 0
    last = d.status()["last_reload"]
    assert last["ok"] is False and "nonsense" in last["reason"]
    d.config.write_text(good)
    d.kill(signal.SIGHUP)
    wait_for("the next", lambda: scrape(d.admin).get("ringd_reloads_total", result="ok") == 1, 30)
    assert scrape(d.admin).get("ringd_last_reload_successful") == 1
    assert d.status()["last_reload"]["ok"] is True and d.status()["last_reload"]["reason"] is None


def queue(d):
    m = scrape(d.admin)
    return m.get("ringd_queue_events"), m.get("ringd_queue_oldest_seconds"), m.get("ringd_reaper_lag_seconds")


def test_the_queue_shows_also_while_the_reaper_cannot_look(d, pg, tenant):
    wait_for("an empty queue", lambda: queue(d)[:2] == (0, 0), 10)
    reaper = d.pids("reaper")[0]
    os.kill(reaper, signal.SIGSTOP)
    try:
        for n in range(1, 21):
            assert d.post(tenant.path, jwt(call_event(n), tenant.secret)).status == 200
        assert queue(d)[0] == 20
        wait_for("it to grow old", lambda: min(queue(d)[1:]) > 3, 15)
        for n in range(21, 26):
            assert d.post(tenant.path, jwt(call_event(n), tenant.secret)).status == 200
        depth, oldest, lag = queue(d)
        assert depth == 25 and 3 < oldest < 60 and 3 < lag < 60
        assert d.status()["queue"]["depth"] == 25
        # Killed instead: the number stays, because it belongs to no process.
        os.kill(reaper, signal.SIGKILL)
        wait_for("its death", lambda: reaper not in [c["pid"] for c in d.status()["children"]], 10)
        assert queue(d)[0] >= 0
    finally:
        os.kill(wait_for("a reaper", lambda: d.pids("reaper"), 20)[0], signal.SIGCONT)
    wait_for("it to be taken", lambda: queue(d)[:2] == (0, 0), 20)
    wait_for("no lag", lambda: queue(d)[2] < 2, 20)
    assert events(scrape(d.admin))["applied"] == 25


def test_dead_letters_are_counted(d, pg, tenant):
    os.kill(d.pids("reaper")[0], signal.SIGSTOP)
    try:
        assert d.post(tenant.path, jwt(call_event(1), tenant.secret)).status == 200
        with pg.connect(d.database) as c, c.cursor() as q:
            q.execute("DELETE FROM webhook_events")
    finally:
        os.kill(d.pids("reaper")[0], signal.SIGCONT)
    wait_for("a dead letter", lambda: events(scrape(d.admin))["dead"] == 1, 20)
    wait_for("an empty queue", lambda: queue(d)[0] == 0, 10)


def test_a_database_that_is_away_shows(base, new_daemon):
    pg = ringd.Postgres(base / "pg-metrics")
    d = None
    try:
        with pg.connect("postgres", "postgres") as c:
            c.cursor().execute("CREATE DATABASE away")
        pg.psql("away", ringd.TOP / "sql/roles.sql")
        ringd.ringctl("migrate", "--dir", ringd.TOP / "sql", database=pg.dsn("away"))
        d = ringd.Daemon(base / "d-away", pg, "away").start()
        m = scrape(d.admin)
        assert m.get("ringd_database_up", role="worker") == 1 and m.get("ringd_database_up", role="reaper") == 1
        tenant = ringd.Tenant(pg.dsn("away"), "Away")
        assert d.post(tenant.path, jwt(call_event(1), tenant.secret)).status == 200
        pg.stop("immediate")
        wait_for("both to notice", lambda: not any(scrape(d.admin).get("ringd_database_up", role=r) for r in ("worker", "reaper")), 10)
        m = scrape(d.admin)
        assert str(m.get("ringd_queue_events")) == "nan", "nobody can know"
        for n in range(2, 5):
            assert d.post(tenant.path, jwt(call_event(n), tenant.secret)).status == 503
        assert events(scrape(d.admin))["deferred"] == 3 and events(scrape(d.admin))["stored"] == 1
        assert scrape(d.admin).get("ringd_http_requests_total", route="hook_dialpad", code="5xx") == 3
        ready = request(d.admin, "GET", "/health/ready")
        assert ready.status == 503 and ready.json["data"]["status"] == "not ready" and len(ready.json["data"]["reasons"]) == 1
        assert len(ready.json["data"]["warnings"]) == 1
        assert request(d.admin, "GET", "/health/live").status == 200
        children = d.status()["children"]
        assert all(c["db"] == "down" and c["db_reason"] for c in children), children
        shown = subprocess.run([BIN / "ringctl", "status", "--admin", f"127.0.0.1:{d.admin}"], capture_output=True, text=True,
                               timeout=20, check=False)
        assert shown.returncode == 1 and "not ready:" in shown.stdout and "database, reaper 0: " in shown.stdout
        pg.start()
        wait_for("both again", lambda: all(scrape(d.admin).get("ringd_database_up", role=r) for r in ("worker", "reaper")), 20)
        wait_for("ready", lambda: request(d.admin, "GET", "/health/ready").status == 200, 20)
        assert request(d.admin, "GET", "/health/ready").json["data"] == {"status": "ready", "reasons": [], "warnings": []}
    finally:
        if d:
            d.stop()
        pg.stop("immediate")


@pytest.mark.parametrize("days", [40, -40])
def test_a_clock_far_off_is_said_before_a_delivery_fails(new_daemon, pg, days):
    x = new_daemon(workers=1)
    tenant = ringd.Tenant(pg.dsn(x.database), "Far off")
    x.start(ready=False, environment={"RINGD_TEST_CLOCK_OFFSET_MS": str(days * 86400000)})

    def told():
        try:
            a = request(x.admin, "GET", "/health/ready")
        except OSError:
            return None
        return a if a.status == 503 and "no partition for this day" in "".join(a.json["data"]["reasons"]) else None
    ready = wait_for("the reason", told, 20)
    assert ready.json["data"]["status"] == "not ready" and "our clock and the database's differ" in ready.json["data"]["warnings"]
    assert x.post(tenant.path, jwt(call_event(1), tenant.secret)).status == 503
    assert x.get("/api/calls/active", tenant.key).status == 200, "what needs no day is served"
    assert "no partition for this day, events cannot be stored: is the clock right? ahead_of_database_s=" in x.text()
    assert x.stop() == 0


def test_a_clock_a_little_off_is_a_warning(new_daemon):
    x = new_daemon(workers=1).start(environment={"RINGD_TEST_CLOCK_OFFSET_MS": "120000"})
    wait_for("the warning", lambda: request(x.admin, "GET", "/health/ready").json["data"]["warnings"] == [
        "our clock and the database's differ"], 10)
    assert "our clock and the database's differ ahead_of_database_s=1" in x.text()
    assert x.stop() == 0


def test_a_dead_reaper_is_a_warning_and_no_reason(d):
    os.kill(d.pids("reaper")[0], signal.SIGSTOP)
    wait = request(d.admin, "GET", "/health/ready").json["data"]
    assert wait["warnings"] == []       # it is slow, for all anybody knows
    os.kill(d.pids("reaper")[0], signal.SIGKILL)
    wait_for("its death", lambda: not d.pids("reaper"), 10)
    answer = request(d.admin, "GET", "/health/ready")
    assert answer.status == 200 and answer.json["data"]["reasons"] == []
    assert "reaper" in answer.json["data"]["warnings"][0]
    assert scrape(d.admin).get("ringd_database_up", role="reaper") == 0


def test_draining_is_said_to_the_end(new_daemon):
    d = new_daemon(workers=1, http={"drain_timeout": "10s"}).start()
    with socket.create_connection(("127.0.0.1", d.port), timeout=10) as s:
        s.sendall(b"POST /webhooks/dialpad HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nab")
        wait_for("the connection", lambda: scrape(d.admin).get("ringd_connections") == 1, 10)
        d.kill(signal.SIGTERM)

        def ready():
            return request(d.admin, "GET", "/health/ready")
        wait_for("no longer ready", lambda: ready().status == 503, 10)
        assert ready().json["data"]["reasons"] == ["draining"]
        assert request(d.admin, "GET", "/health/live").status == 200
        assert scrape(d.admin).get("ringd_children", role="worker", state="draining") == 1
        s.sendall(b"cde")
        assert s.recv(4096).startswith(b"HTTP/1.1 4")
    assert d.process.wait(10) == 0


def test_after_a_reload_only_the_new_answer_for_health(new_daemon):
    d = new_daemon(workers=1, http={"drain_timeout": "10s"}).start()
    with socket.create_connection(("127.0.0.1", d.port), timeout=10) as s:
        s.sendall(b"POST /webhooks/dialpad HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nab")
        wait_for("the connection", lambda: scrape(d.admin).get("ringd_connections") == 1, 10)
        d.kill(signal.SIGHUP)
        wait_for("the next generation", lambda: d.status()["generation"] == 2, 20)
        wait_for("the old one to drain", lambda: scrape(d.admin).get("ringd_children", role="worker", state="draining") == 1, 10)
        for _ in range(50):
            assert request(d.admin, "GET", "/health/ready").status == 200
    d.stop()


def test_status_for_people(d, tenant):
    d.post(tenant.path, jwt(call_event(1), tenant.secret))
    for _ in range(20):
        d.get("/api/calls/active", tenant.key)
    wait_for("the event to be applied", lambda: d.status()["totals"]["events_applied"] == 1, 10)
    os.kill(d.pids("reaper")[0], signal.SIGKILL)
    wait_for("its burial", lambda: d.status()["restarts"] == 1, 10)
    shown = subprocess.run([BIN / "ringctl", "status", "--admin", f"127.0.0.1:{d.admin}"], capture_output=True, timeout=20, check=False)
    assert shown.returncode == 1, "nobody applies events"
    wait_for("a new reaper", lambda: d.pids("reaper") and d.all_connected(), 20)
    out = subprocess.run([BIN / "ringctl", "status", "--admin", f"127.0.0.1:{d.admin}"], capture_output=True, text=True,
                         timeout=20, check=True).stdout
    assert out.startswith("ready: ringd ") and "restarts: 1 (1 of a reaper by signal)\n" in out
    assert "reloads: 0, 0 failed\n" in out and "\nqueue: 0 waiting; " in out
    assert "events: 1 stored, 0 duplicate, 0 refused, 0 deferred; 1 applied, 0 failed attempts, 0 dead\n" in out
    assert re.search(r"\nconnections: \d+ accepted, 0 refused, 0 over their address's limit\n", out) and "\ntokens: " not in out
    line = [x.split() for x in out.splitlines() if x.startswith("calls_active ")]
    assert line and line[0][1:6] == ["20", "20", "0", "0", "0"] and all(x.endswith("s") for x in line[0][6:9]), out
    assert "hook_dialpad" in out and "\ncall " not in out, "only what was asked for"
    document = ringd.ringctl("status", "--admin", f"127.0.0.1:{d.admin}")
    route = [r for r in document["routes"] if r["route"] == "calls_active"][0]
    assert 0 < route["p50_us"] <= route["p95_us"] <= route["p99_us"]
    # A process is shown with what it did itself.
    reaper = [c for c in document["children"] if c["role"] == "reaper"][0]
    assert reaper["events_applied"] == 0 and document["totals"]["events_applied"] == 1
