"""The database goes away, comes back, is slow, is wrong: nothing acknowledged is lost, nobody hangs."""
import threading
import time

import pytest

import ringd
from ringd import call_event, drained, jwt, wait_for


@pytest.fixture(scope="module")
def own(base, new_daemon):
    """A cluster of its own, since these tests stop it."""
    server = ringd.Postgres(base / "pg-own")
    with server.connect("postgres", "postgres").cursor() as c:
        c.execute("CREATE DATABASE ringd")
    server.psql("ringd", ringd.TOP / "sql/roles.sql")
    ringd.ringctl("migrate", "--dir", ringd.TOP / "sql", database=server.dsn("ringd"))
    d = new_daemon("ringd", database_keys={"statement_timeout": "1s", "job_timeout": "2s", "reconnect_max": "1s"})
    d.pg = server
    d.write()
    d.start()
    yield d
    assert d.stop() == 0
    server.stop("immediate")


@pytest.fixture(scope="module")
def tenant(own):
    return ringd.Tenant(own.pg.dsn("ringd"), "Own")


def status(d, tenant, n):
    return d.post(tenant.path, jwt(call_event(n), tenant.secret)).status


@pytest.mark.parametrize("mode", ["fast", "immediate"])
def test_stop_and_start(own, tenant, mode):
    first = {"fast": 1000, "immediate": 2000}[mode]
    assert status(own, tenant, first) == 200
    before = own.text().count("database away")
    own.pg.stop(mode)
    wait_for("503 while it is away", lambda: status(own, tenant, first + 1) == 503, 10)
    a = own.get("/api/calls", tenant.key)
    assert a.status == 503 and int(a.headers["retry-after"]) > 0 and a.json["code"] == "database_unavailable"
    ready = ringd.request(own.admin, "GET", "/health/ready")
    assert ready.status == 503 and ready.json["data"]["reasons"]
    assert ringd.request(own.admin, "GET", "/health/live").status == 200
    time.sleep(1.5)
    own.pg.start()
    own.wait_ready()
    assert status(own, tenant, first + 2) == 200
    assert own.get("/api/calls", tenant.key).status == 200
    # One line per change of state and process, not one per try.
    assert own.text().count("database away") - before <= 2 * 4 + 3, own.text()[-3000:]
    with own.pg.connect("ringd") as c:
        drained(c)


def test_acknowledged_events_survive_a_crash_of_the_database(own, tenant):
    acked, stop = [], threading.Event()

    def fire(offset):
        n = offset
        while not stop.is_set():
            try:
                if status(own, tenant, n) == 200:
                    acked.append(n)
            except OSError:
                pass
            n += 1
    threads = [threading.Thread(target=fire, args=(100000 + i * 10000,)) for i in range(6)]
    for t in threads:
        t.start()
    time.sleep(1.5)
    own.pg.stop("immediate")
    time.sleep(0.7)
    own.pg.start()
    time.sleep(2.5)
    stop.set()
    for t in threads:
        t.join(20)
    assert len(acked) > 50
    own.wait_ready()
    with own.pg.connect("ringd") as c, c.cursor() as q:
        q.execute("SELECT leg_id::bigint, count(*) FROM webhook_events GROUP BY 1")
        rows = dict(q.fetchall())
        assert not [n for n in acked if n not in rows], "acknowledged and gone"
        assert not [n for n, times in rows.items() if times != 1]
        drained(c, 30)
        q.execute("SELECT count(*) FROM calls WHERE provider_call_id = ANY(%s)", ([str(n) for n in acked],))
        assert q.fetchone()[0] == len(acked)


def test_a_lock_in_the_way_is_a_503_not_a_hang(own, tenant):
    with own.pg.connect("ringd") as c, c.cursor() as q:
        assert status(own, tenant, 3000) == 200
        c.autocommit = False
        q.execute("LOCK TABLE calls IN ACCESS EXCLUSIVE MODE")
        began = time.monotonic()
        a = own.get("/api/calls", tenant.key)
        assert a.status == 503 and time.monotonic() - began < 4
        c.rollback()
    wait_for("reads again", lambda: own.get("/api/calls", tenant.key).status == 200, 10)


def test_late_jobs_are_answered_and_the_line_moves_on(own, tenant, new_daemon):
    """Twelve reads of one worker stand behind a lock: each is answered at its own deadline, what still runs is cancelled, and nobody's
    later answer is another's."""
    d = new_daemon("ringd", workers=1, database_keys={"statement_timeout": "1s", "job_timeout": "1s"})
    d.pg = own.pg
    d.write()
    d.start()
    answers = []

    def read(n):
        began = time.monotonic()
        a = d.get("/api/calls?limit=1", tenant.key, x_request_id=f"late{n}")
        answers.append((n, a.status, a.headers["x-request-id"], time.monotonic() - began))
    with own.pg.connect("ringd") as c, c.cursor() as q:
        c.autocommit = False
        q.execute("LOCK TABLE calls IN ACCESS EXCLUSIVE MODE")
        threads = [threading.Thread(target=read, args=(n,)) for n in range(12)]
        for t in threads:
            t.start()
        for t in threads:
            t.join(15)
        assert d.get("/nowhere").status == 404, "what needs no database is served meanwhile"
        c.rollback()
    assert len(answers) == 12
    assert {(s, rid == f"late{n}") for n, s, rid, _ in answers} == {(503, True)}
    assert max(spent for *_, spent in answers) < 3
    wait_for("reads again", lambda: d.get("/api/calls?limit=1", tenant.key).status == 200, 5)
    assert "cancelled" in d.text()
    assert d.text().count("database away") == 0, "the connection was kept"
    assert d.stop() == 0


def test_a_lock_kills_no_event(new_daemon, pg):
    """Waiting for somebody's lock costs an event nothing, however often it is tried meanwhile."""
    d = new_daemon(reaper={"max_attempts": "2", "retry_min": "20ms", "retry_max": "100ms", "poll": "100ms"},
                   database_keys={"statement_timeout": "400ms", "job_timeout": "1s"}).start()
    t = ringd.Tenant(pg.dsn(d.database), "Locked")
    with pg.connect(d.database) as c, c.cursor() as q:
        c.autocommit = False
        q.execute("LOCK TABLE calls IN ACCESS EXCLUSIVE MODE")
        for n in range(5):
            assert d.post(t.path, jwt(call_event(n + 1), t.secret)).status == 200
        time.sleep(6)
        c.rollback()
        c.autocommit = True
        drained(c, 20)
        q.execute("SELECT (SELECT count(*) FROM webhook_dead), (SELECT count(*) FROM calls)")
        assert q.fetchone() == (0, 5)
    assert d.stop() == 0


def test_killed_backends_are_replaced(own, tenant):
    with own.pg.connect("ringd", "postgres") as c, c.cursor() as q:
        q.execute("SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE usename IN ('ringd_worker', 'ringd_reaper')")
        assert q.fetchone()[0] >= 3
    wait_for("all workers to serve again", lambda: all(status(own, tenant, 4000 + n) == 200 for n in range(8)), 15)


def test_a_database_restored_without_todays_partition_gets_it(new_daemon, pg):
    """What an old backup brings back under a running ringd: the reaper makes what is missing when it connects, not an hour later."""
    d = new_daemon(workers=1, database_keys={"reconnect_max": "300ms"}).start()
    t = ringd.Tenant(pg.dsn(d.database), "Restored")
    assert d.post(t.path, jwt(call_event(1), t.secret)).status == 200
    with pg.connect(d.database) as c, c.cursor() as q:
        drained(c)
        q.execute("SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = 'webhook_events'::regclass")
        for (name,) in q.fetchall():
            q.execute(f"DROP TABLE {name}")
        assert d.post(t.path, jwt(call_event(2), t.secret)).status == 503
    with pg.connect("postgres", "postgres") as c:
        c.cursor().execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'ringd_reaper' AND datname = %s", (d.database,))
    wait_for("deliveries to be taken again", lambda: d.post(t.path, jwt(call_event(2), t.secret)).status == 200, 15)
    assert d.stop() == 0


def test_without_the_schema_it_says_what_to_do(new_daemon, pg):
    with pg.connect("postgres", "postgres").cursor() as c:
        c.execute("CREATE DATABASE empty_one")
    d = new_daemon("empty_one")
    d.start(ready=False)
    wait_for("the advice", lambda: "ringctl migrate" in d.text(), 10)
    d.stop()


def test_a_newer_schema_is_refused_and_named(new_daemon, pg, new_database):
    name = new_database()
    with pg.connect(name).cursor() as c:
        c.execute("INSERT INTO schema_version (version, name) VALUES (99, 'from the future')")
    d = new_daemon(name)
    d.start(ready=False)
    wait_for("the version in the log", lambda: "schema version 99" in d.text(), 10)
    d.stop()


def test_a_database_that_is_down_at_the_start_is_waited_for(base, new_daemon):
    server = ringd.Postgres(base / "pg-late")
    with server.connect("postgres", "postgres").cursor() as c:
        c.execute("CREATE DATABASE ringd")
    server.psql("ringd", ringd.TOP / "sql/roles.sql")
    ringd.ringctl("migrate", "--dir", ringd.TOP / "sql", database=server.dsn("ringd"))
    server.stop()
    d = new_daemon("ringd")
    d.pg = server
    d.write()
    d.start(ready=False)
    wait_for("live", lambda: "ready" in d.text() or "started" in d.text(), 15)
    server.start()
    d.wait_ready()
    assert d.stop() == 0
    server.stop("immediate")


@pytest.mark.parametrize("where", ["host=localhost port={port}", "host=127.0.0.1,localhost port=1,{port}", "host=localhost,localhost port=1,{port}"])
def test_names_and_lists_of_addresses(new_daemon, pg, where):
    """A host name is looked up without blocking; an address where nobody is, is passed over."""
    d = new_daemon()
    text = d.config.read_text()
    for role in ("worker", "reaper"):
        text = text.replace(pg.dsn(d.database, f"ringd_{role}"), f"{where.format(port=pg.port)} dbname={d.database} user=ringd_{role}")
    d.config.write_text(text)
    d.start()
    t = ringd.Tenant(pg.dsn(d.database), "By name")
    assert status(d, t, 1) == 200
    assert d.stop() == 0


def test_a_mute_address_is_passed_over(new_daemon, pg):
    """The first address takes the connection and never says a word."""
    import socket
    with socket.socket() as mute:
        mute.bind(("127.0.0.1", 0))
        mute.listen(64)
        d = new_daemon(database_keys={"connect_timeout": "500ms", "reconnect_max": "200ms"})
        text = d.config.read_text()
        for role in ("worker", "reaper"):
            text = text.replace(pg.dsn(d.database, f"ringd_{role}"),
                                f"host=127.0.0.1,127.0.0.1 port={mute.getsockname()[1]},{pg.port} dbname={d.database} user=ringd_{role}")
        d.config.write_text(text)
        d.start(ready=False)
        d.wait_ready(15)
        assert d.stop() == 0


def test_a_name_nobody_has_is_said_and_does_not_block(new_daemon, pg):
    d = new_daemon()
    text = d.config.read_text()
    for role in ("worker", "reaper"):
        text = text.replace(pg.dsn(d.database, f"ringd_{role}"), f"host=no-such-host.invalid dbname={d.database} user=ringd_{role}")
    d.config.write_text(text)
    d.start(ready=False)
    wait_for("the reason", lambda: "cannot resolve the database's host" in d.text(), 20)
    assert ringd.request(d.admin, "GET", "/health/live").status == 200
    assert d.stop() == 0
