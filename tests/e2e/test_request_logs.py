"""request_logs: every API request of a known app is a row, or in a sum; exactly, whatever happens to processes and database."""
import os
import signal
import socket
import subprocess
import threading
import time
import http.client

import psycopg2
import psycopg2.errors
import pytest

import ringd
from ringd import BIN, call_event, jwt, ringctl, wait_for

FAST = {"period": "100ms", "rollup_period": "200ms"}
# As the seeds have it, and the two ways to write what it means.
SEEDS = """
SELECT
  app_id,
  a.name,
  COUNT(*) as api_calls
FROM request_logs
WHERE created_at > now() - interval '1 hour'
GROUP BY app_id, a.name
ORDER BY api_calls DESC;
"""
BY_ALIAS = SEEDS.replace("FROM request_logs", "FROM request_logs a")
BY_JOIN = """
SELECT r.app_id, a.name, sum(r.requests) AS api_calls
FROM request_logs r JOIN apps a ON a.id = r.app_id
WHERE r.created_at > now() - interval '1 hour'
GROUP BY r.app_id, a.name
ORDER BY api_calls DESC;
"""


def rows(c, sql, *args):
    with c.cursor() as q:
        q.execute(sql, args)
        return q.fetchall()


def recorded(c, tenant):
    return rows(c, "SELECT coalesce(sum(requests), 0)::int FROM request_logs WHERE app_id = %s", tenant.id)[0][0]


def wait_recorded(c, tenant, n, seconds=20):
    wait_for(f"{n} requests of {tenant.name} recorded", lambda: recorded(c, tenant) >= n, seconds)
    assert recorded(c, tenant) == n


def totals(d, name):
    return d.status()["totals"][name]


@pytest.fixture(scope="module")
def daemon(new_daemon):
    d = new_daemon(request_logs=FAST).start()
    yield d
    assert d.stop() == 0


def test_the_seeds_query(daemon, db, acme, globex):
    for n in range(7):
        assert daemon.get("/api/calls/active", acme.key).status == 200
    for n in range(3):
        assert daemon.get("/api/calls?limit=1", globex.key).status == 200
    assert daemon.post(acme.path, jwt(call_event(1), acme.secret)).status == 200     # no API request
    daemon.get("/api/calls")                                                           # nobody's
    wait_recorded(db, acme, 7)
    wait_recorded(db, globex, 3)
    with pytest.raises(psycopg2.errors.UndefinedTable, match='missing FROM-clause entry for table "a"'):
        rows(db, SEEDS)
    expected = [(acme.id, "Acme", 7), (globex.id, "Globex", 3)]
    assert rows(db, BY_ALIAS) == expected
    assert rows(db, BY_JOIN) == expected
    with pytest.raises(psycopg2.errors.AmbiguousColumn):
        rows(db, SEEDS.replace("FROM request_logs", "FROM request_logs JOIN apps a ON a.id = app_id"))
    page = (ringd.TOP / "man/ringctl.8").read_text()
    assert BY_JOIN.strip() in page, "the manual shows the query that is tested here"


def test_what_stands_in_a_row(daemon, db, acme):
    before = recorded(db, acme)
    d = daemon
    d.get("/api/calls?phone_number=%2B15550142233", acme.key, x_request_id="row-ok")
    d.get("/api/calls?nonsense=1", acme.key, x_request_id="row-parameter")
    d.get("/api/calls/0190aaaa-0000-7000-8000-000000000001", acme.key, x_request_id="row-missing")
    ringd.request(d.port, "HEAD", "/api/calls", {"x-app-api-key": acme.key, "X-Request-Id": "row-head"})
    d.get("/api/calls", acme.key[:-1] + ("0" if acme.key[-1] != "0" else "1"), x_request_id="row-unknown-key")
    ringctl("app", "disable", acme.id, database=d.pg.dsn(d.database))
    d.get("/api/calls", acme.key, x_request_id="row-inactive")
    ringctl("app", "enable", acme.id, database=d.pg.dsn(d.database))
    wait_recorded(db, acme, before + 5)
    got = {r[0]: r[1:] for r in rows(db, """SELECT request_id, method, route, status, requests, client, duration_us, db_us, bytes
                                             FROM request_logs WHERE request_id LIKE 'row-%%' AND app_id = %s""", acme.id)}
    assert {k: v[:5] for k, v in got.items()} == {
        "row-ok": ("GET", "calls", 200, 1, "127.0.0.1"), "row-missing": ("GET", "call", 404, 1, "127.0.0.1"),
        "row-parameter": ("GET", "calls", 400, 1, "127.0.0.1"),
        "row-head": ("HEAD", "calls", 200, 1, "127.0.0.1"), "row-inactive": ("GET", "calls", 403, 1, "127.0.0.1")}
    for name, (duration, in_db, size) in ((k, v[5:]) for k, v in got.items()):
        assert 0 <= in_db <= duration < 20_000_000 and (in_db > 0 or name == "row-parameter")
    assert got["row-ok"][7] > 20 and got["row-head"][7] == 0
    text = rows(db, "SELECT string_agg(r::text, ' ') FROM request_logs r")[0][0]
    assert "5550142233" not in text and acme.key not in text


def test_workers_may_write_rows_and_see_none(daemon, pg, db, acme):
    assert recorded(db, acme) > 0
    c = psycopg2.connect(pg.dsn(daemon.database, "ringd_worker"))
    with c.cursor() as q:
        q.execute("SELECT set_config('ringd.app_id', %s, false)", (acme.id,))
        c.commit()
        for sql in ("SELECT * FROM request_logs", "SELECT count(*) FROM request_logs", "UPDATE request_logs SET requests = 0",
                    "DELETE FROM request_logs", "SELECT ringd_drop_partitions(1, 'request_logs')"):
            with pytest.raises(psycopg2.errors.InsufficientPrivilege):
                q.execute(sql)
            c.rollback()
        part = rows(db, "SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = 'request_logs'::regclass LIMIT 1")[0][0]
        with pytest.raises(psycopg2.errors.InsufficientPrivilege):
            q.execute(f"SELECT * FROM {part}")
    c.close()


def test_ringctl_requests(daemon, db, acme, globex):
    dsn = daemon.pg.dsn(daemon.database)
    by_app = {r["app_id"]: r for r in ringctl("requests", database=dsn)}
    assert by_app[acme.id]["api_calls"] == recorded(db, acme) and by_app[acme.id]["name"] == "Acme"
    assert by_app[acme.id]["errors"] == 3 and by_app[globex.id]["errors"] == 0
    assert by_app[acme.id]["p95_ms"] >= by_app[acme.id]["db_mean_ms"] > 0
    routes = ringctl("requests", "Acme", "--since", "2h", database=dsn)
    assert sum(r["api_calls"] for r in routes) == recorded(db, acme)
    assert {(r["method"], r["route"], r["status"]) for r in routes} == {
        ("GET", "calls_active", 200), ("GET", "calls", 200), ("GET", "call", 404), ("HEAD", "calls", 200), ("GET", "calls", 403),
        ("GET", "calls", 400)}
    text = subprocess.run([str(BIN / "ringctl"), "--database", dsn, "requests"], capture_output=True, text=True, timeout=30)
    assert text.returncode == 0 and "Globex" in text.stdout and "api calls" in text.stdout
    assert ringctl("requests", "--since", "2099-01-01T00:00:00Z", database=dsn) == []
    db.cursor().execute("INSERT INTO request_logs SELECT app_id, created_at - interval '3 hours', id, 100, method, route, status, "
                        "duration_us, db_us, bytes, client, request_id FROM request_logs WHERE app_id = %s LIMIT 1", (globex.id,))
    again = {r["app_id"]: r["api_calls"] for r in ringctl("requests", "--since", "30h", database=dsn)}
    assert again[globex.id] == by_app[globex.id]["api_calls"] + 100
    db.cursor().execute("DELETE FROM request_logs WHERE requests = 100")


class Readers:
    """Threads that count the answers they got; a broken connection is a request that may or may not have been answered."""

    def __init__(self, d, tenant, threads=4):
        self.d, self.tenant, self.answers, self.good, self.unsure = d, tenant, 0, 0, 0
        self.lock, self.stop_flag = threading.Lock(), threading.Event()
        self.threads = [threading.Thread(target=self.run) for _ in range(threads)]

    def run(self):
        while not self.stop_flag.is_set():
            c = http.client.HTTPConnection("127.0.0.1", self.d.port, timeout=15)
            sent = False
            try:
                c.connect()
                for _ in range(40):
                    if self.stop_flag.is_set():
                        break
                    sent = True
                    c.request("GET", "/api/calls/active", headers={"x-app-api-key": self.tenant.key})
                    r = c.getresponse()
                    r.read()
                    with self.lock:
                        self.answers += 1
                        self.good += r.status == 200
                    sent = False
                    if r.getheader("connection") == "close":
                        break
            except (OSError, http.client.HTTPException):
                if sent:
                    with self.lock:
                        self.unsure += 1
            finally:
                c.close()

    def __enter__(self):
        for t in self.threads:
            t.start()
        return self

    def __exit__(self, *_):
        self.stop_flag.set()
        for t in self.threads:
            t.join(30)


def test_every_answer_is_a_row_over_reloads_and_the_end(new_daemon, pg):
    d = new_daemon(request_logs={"queue": 65536}).start()
    t = ringd.Tenant(pg.dsn(d.database), "Counted")
    assert d.get("/api/calls/active", t.key).status == 200
    with Readers(d, t) as readers:
        for generation in (2, 3):
            d.kill(signal.SIGHUP)
            wait_for(f"generation {generation}", lambda: d.status()["generation"] == generation, 20)
            wait_for("more answers", lambda n=readers.answers: readers.answers > n + 100, 20)
        d.kill(signal.SIGTERM)
        assert d.process.wait(30) == 0
    assert readers.answers > 300
    with pg.connect(d.database) as c:
        got, single = rows(c, "SELECT sum(requests)::int, count(*)::int FROM request_logs WHERE app_id = %s", t.id)[0]
        assert readers.answers + 1 <= got <= readers.answers + 1 + readers.unsure
        assert got == single
        assert rows(c, "SELECT count(*) = count(DISTINCT id) FROM request_logs") == [(True,)]
    assert "not recorded" not in d.text()


def test_a_connection_that_breaks_doubles_nothing(new_daemon, pg):
    """Whether the last batch was stored is then unknown: it is sent again, and stored once."""
    d = new_daemon(request_logs={"period": "100ms", "queue": 65536}, database_keys={"reconnect_max": "100ms"}).start()
    t = ringd.Tenant(pg.dsn(d.database), "Broken")
    with pg.connect(d.database, "postgres") as admin:
        def hang_up():
            admin.cursor().execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'ringd_worker' AND datname = %s",
                                   (d.database,))
        with Readers(d, t, 3) as readers:
            for _ in range(8):
                wait_for("more answers", lambda n=readers.answers: readers.answers > n + 60, 20)
                hang_up()
                wait_for("the workers to be connected again", d.all_connected, 20)
        hang_up()           # and at the very end: what is left is written by a new connection
        assert d.stop() == 0
    with pg.connect(d.database) as c:
        # What is answered 503 before the key is known is nobody's, and no row.
        assert recorded(c, t) <= readers.answers + readers.unsure
        good = rows(c, "SELECT sum(requests)::int FROM request_logs WHERE status = 200")[0][0]
        assert readers.good <= good <= readers.good + readers.unsure
        assert rows(c, "SELECT count(*) = count(DISTINCT id) FROM request_logs") == [(True,)]
    assert "not recorded" not in d.text()


class Deaf:
    """Between the worker and its database: on demand the server hears everything and its answers are thrown away."""

    def __init__(self, port):
        self.port, self.deaf, self.heard = port, False, threading.Event()
        self.listener = socket.create_server(("127.0.0.1", 0))
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                client = self.listener.accept()[0]
            except OSError:
                return
            server = socket.create_connection(("127.0.0.1", self.port))
            for a, b, back in ((client, server, False), (server, client, True)):
                threading.Thread(target=self.pump, args=(a, b, back), daemon=True).start()

    def pump(self, a, b, back):
        try:
            while data := a.recv(65536):
                if not back and self.deaf and b"calls_active" in data:
                    b.sendall(data)
                    time.sleep(0.5)     # it is committed by then
                    self.deaf = False
                    self.heard.set()
                    break
                if not (back and self.deaf):
                    b.sendall(data)
        except OSError:
            pass
        for s in (a, b):
            try:
                s.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass


def test_rows_whose_answer_was_lost_are_stored_once(new_daemon, pg):
    proxy = Deaf(pg.port)
    d = new_daemon(workers=1, request_logs={"period": "1500ms"}, database_keys={"reconnect_max": "100ms"})
    d.config.write_text(d.config.read_text().replace(
        f"worker_url: '{pg.dsn(d.database, 'ringd_worker')}'",
        f"worker_url: 'host=127.0.0.1 port={proxy.listener.getsockname()[1]} dbname={d.database} user=ringd_worker'"))
    d.start()
    t = ringd.Tenant(pg.dsn(d.database), "Twice")
    d.get("/api/calls", t.key)
    with pg.connect(d.database) as c:
        wait_recorded(c, t, 1)
        for _ in range(9):
            assert d.get("/api/calls/active", t.key).status == 200
        proxy.deaf = True
        assert proxy.heard.wait(10), "the batch went out"
        assert recorded(c, t) == 10, "and was stored"
        d.wait_ready()
        d.get("/api/calls", t.key)
        wait_recorded(c, t, 11)
        wait_for("the batch to be acknowledged", lambda: totals(d, "requests_recorded") == 11, 20)
        assert totals(d, "requests_unrecorded") == 0
    assert d.stop() == 0
    assert "not recorded" not in d.text() and "refused" not in d.text()
    proxy.listener.close()


def test_sums_instead_of_rows(new_daemon, pg):
    d = new_daemon(request_logs={"mode": "rollup", **FAST}).start()
    t, u = ringd.Tenant(pg.dsn(d.database), "Summed"), ringd.Tenant(pg.dsn(d.database), "Summed too")
    for _ in range(120):
        assert d.get("/api/calls/active", t.key).status == 200
    for _ in range(30):
        assert d.get("/api/calls/0190aaaa-0000-7000-8000-000000000001", t.key).status == 404
        assert d.get("/api/calls/active", u.key).status == 200
    with pg.connect(d.database) as c:
        wait_recorded(c, t, 150)
        wait_recorded(c, u, 30)
        by = {(app, route, status): (n, k) for app, route, status, n, k in rows(c, """
            SELECT app_id, route, status, sum(requests)::int, count(*)::int FROM request_logs GROUP BY 1, 2, 3""")}
        assert {k: v[0] for k, v in by.items()} == {
            (t.id, "calls_active", 200): 120, (t.id, "call", 404): 30, (u.id, "calls_active", 200): 30}
        assert sum(v[1] for v in by.values()) < 120, "sums, not rows"
        assert rows(c, "SELECT count(*) FROM request_logs WHERE client IS NOT NULL OR request_id IS NOT NULL OR duration_us <= 0 "
                    "OR date_trunc('minute', created_at) <> created_at") == [(0,)]
        assert [r[2] for r in rows(c, BY_JOIN)] == [150, 30]
    assert d.stop() == 0


def test_sums_are_written_at_the_end_however_long_their_period(new_daemon, pg):
    d = new_daemon(request_logs={"mode": "rollup", "rollup_period": "1h"}).start()
    t = ringd.Tenant(pg.dsn(d.database), "Late")
    for _ in range(25):
        d.get("/api/calls/active", t.key)
    assert d.stop() == 0
    with pg.connect(d.database) as c:
        assert recorded(c, t) == 25


def test_off_and_without_client(new_daemon, pg):
    d = new_daemon(request_logs={"mode": "off", **FAST}).start()
    t = ringd.Tenant(pg.dsn(d.database), "Off")
    for _ in range(10):
        d.get("/api/calls/active", t.key)
    d.write(request_logs={"client": "false", **FAST})
    d.kill(signal.SIGHUP)
    wait_for("the reload", lambda: d.status()["generation"] == 2, 20)
    with pg.connect(d.database) as c:
        assert recorded(c, t) == 0
        wait_for("the old ones to go", lambda: {x["generation"] for x in d.status()["children"]} == {2}, 20)
        for _ in range(5):
            d.get("/api/calls/active", t.key)
        wait_recorded(c, t, 5)
        assert rows(c, "SELECT DISTINCT client FROM request_logs") == [(None,)]
    assert d.stop() == 0


def test_a_rush_is_summed_up_and_nothing_lost(new_daemon, pg):
    d = new_daemon(workers=1, request_logs={"queue": 64, "period": "2s", "rollup_period": "2s"}).start()
    t = ringd.Tenant(pg.dsn(d.database), "Rush")
    with Readers(d, t, 2) as readers:
        wait_for("a rush", lambda: readers.answers > 1500, 60)
    assert d.stop() == 0
    with pg.connect(d.database) as c:
        assert recorded(c, t) == readers.answers + readers.unsure
        single, summed = rows(c, "SELECT count(*) FILTER (WHERE request_id IS NOT NULL), count(*) FILTER (WHERE request_id IS NULL) "
                              "FROM request_logs")[0]
        assert single >= 64 and summed > 0 and single + summed < readers.answers
    assert "not recorded" not in d.text()


def test_a_database_that_was_away_is_told_everything_afterwards(base, new_daemon):
    server = ringd.Postgres(base / "pg-requests")
    with server.connect("postgres", "postgres").cursor() as c:
        c.execute("CREATE DATABASE ringd")
    server.psql("ringd", ringd.TOP / "sql/roles.sql")
    ringctl("migrate", "--dir", ringd.TOP / "sql", database=server.dsn("ringd"))
    d = new_daemon("ringd", workers=1, request_logs={"queue": 64, **FAST}, database_keys={"reconnect_max": "200ms"})
    d.pg = server
    d.write()
    d.start()
    t = ringd.Tenant(server.dsn("ringd"), "Patient")
    assert d.get("/api/calls/active", t.key).status == 200
    server.stop("fast")
    wait_for("503", lambda: d.get("/api/calls/active").status and d.get("/api/calls/0", t.key).status == 503, 10)
    asked = 0
    for _ in range(300):
        assert d.get("/api/calls/active", t.key).status == 503
        asked += 1
    server.start()
    d.wait_ready()
    with server.connect("ringd") as c:
        wait_for("the requests of the outage", lambda: rows(
            c, "SELECT sum(requests) FROM request_logs WHERE status = 503 AND route = 'calls_active'")[0][0] == asked, 20)
        assert rows(c, "SELECT count(*) FROM request_logs WHERE status = 503")[0][0] < asked
    assert totals(d, "requests_unrecorded") == 0
    assert d.stop() == 0
    server.stop("immediate")


def test_rows_the_database_refuses_are_given_up_counted_and_told(new_daemon, pg):
    d = new_daemon(workers=1, request_logs=FAST).start()
    t = ringd.Tenant(pg.dsn(d.database), "Refused")
    with pg.connect(d.database) as c:
        today = rows(c, "SELECT 'request_logs_' || to_char((now() AT TIME ZONE 'UTC')::date, 'YYYYMMDD')")[0][0]
        c.cursor().execute(f"DROP TABLE {today}")
        for _ in range(9):
            assert d.get("/api/calls/active", t.key).status == 200, "nobody is refused for it"
        wait_for("the line", lambda: "rows of request_logs refused by the database" in d.text() and "not recorded" in d.text(), 20)
        wait_for("all counted", lambda: totals(d, "requests_unrecorded") == 9, 20)
        c.cursor().execute("SELECT ringd_make_partitions(1, 'request_logs')")
        d.get("/api/calls/active", t.key)
        wait_recorded(c, t, 1)
        assert totals(d, "requests_recorded") == 1
    assert d.stop() == 0


def test_days_are_made_and_dropped_by_the_reaper(new_daemon, pg):
    d = new_daemon(retention={"request_logs_days": 2, "partitions_ahead": 20})
    with pg.connect(d.database) as c:
        def days():
            return [n for (n,) in rows(c, "SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = 'request_logs'::regclass ORDER BY 1")]

        def day(offset):
            return rows(c, "SELECT 'request_logs_' || to_char((now() AT TIME ZONE 'UTC')::date + %s, 'YYYYMMDD')", offset)[0][0]
        for offset in (-2, -3, -9):
            c.cursor().execute(f"CREATE TABLE {day(offset)} PARTITION OF request_logs FOR VALUES FROM (%s) TO (%s)", (
                day(offset)[-8:] + " 00:00:00+00", day(offset + 1)[-8:] + " 00:00:00+00"))
        events = rows(c, "SELECT count(*) FROM pg_inherits WHERE inhparent = 'webhook_events'::regclass")[0][0]
        d.start()
        wait_for("the sweep", lambda: days() == [day(i) for i in range(-2, 21)], 20)
        wait_for("the events' days too", lambda: rows(
            c, "SELECT count(*) FROM pg_inherits WHERE inhparent = 'webhook_events'::regclass")[0][0] == events + 6, 20)
        assert rows(c, "SELECT relrowsecurity AND relforcerowsecurity FROM pg_class WHERE oid = %s::regclass", day(20)) == [(True,)]
    assert d.stop() == 0
