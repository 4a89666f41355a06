"""One app never sees, counts or changes another's data: through the API, and as the daemon's own database roles."""
import psycopg2
import pytest

import ringd
from ringd import drained, jwt

TENANT_TABLES = ["apps", "api_keys", "hooks", "webhook_events", "event_dedupe", "webhook_queue", "webhook_dead", "calls", "call_legs",
                 "call_recordings", "call_redirects", "api_key_lookup", "hook_lookup", "dialpad_connections", "request_logs"]


@pytest.fixture(scope="module")
def two(daemon, db, acme, globex):
    """The same provider call id at both, so that a missing app_id would show."""
    for t in (acme, globex):
        for e in ringd.SAMPLES:
            assert daemon.post(t.path, jwt({**e, "contact": {"id": 1, "name": f"only {t.name}"}}, t.secret)).status == 200
    drained(db)
    return acme, globex


def test_each_reads_its_own(daemon, two):
    seen = {}
    for t in two:
        data = daemon.get("/api/calls?limit=200", t.key).json
        assert len(data["data"]) == data["pagination"]["total"] == 5
        assert {c["contact_name"] for c in data["data"]} == {f"only {t.name}"}
        seen[t.name] = {c["id"] for c in data["data"]}
    assert not seen["Acme"] & seen["Globex"]


def test_foreign_ids_look_like_unknown_ones(daemon, two):
    acme, globex = two
    for c in daemon.get("/api/calls", globex.key).json["data"]:
        assert daemon.get(f"/api/calls/{c['id']}", acme.key).status == 404


def test_the_same_event_at_two_tenants_is_two_events(db, two):
    with db.cursor() as c:
        c.execute("SELECT app_id, count(*) FROM webhook_events GROUP BY 1")
        assert dict(c.fetchall()) == {two[0].id: 12, two[1].id: 12}


def test_forced_row_level_security_on_every_tenant_table(pg, daemon):
    with pg.connect(daemon.database, "postgres") as c, c.cursor() as q:
        q.execute("""SELECT c.relname, c.relrowsecurity AND c.relforcerowsecurity FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
                     WHERE a.attname = 'app_id' AND c.relkind IN ('r', 'p') AND c.relnamespace = 'public'::regnamespace""")
        found = dict(q.fetchall())
    assert all(found.values()), [t for t, walled in found.items() if not walled]
    assert set(TENANT_TABLES) - {"apps"} <= set(found)


def as_worker(pg, daemon, app, sql, *args):
    c = psycopg2.connect(pg.dsn(daemon.database, "ringd_worker"))
    try:
        with c.cursor() as q:
            if app is not None:
                q.execute("SELECT set_config('ringd.app_id', %s, true)", (app,))
            q.execute(sql, args)
            return q.fetchall() if q.description else q.rowcount
    finally:
        c.rollback()
        c.close()


@pytest.mark.parametrize("table", ["apps", "api_keys", "calls", "call_recordings", "call_redirects"])
def test_the_workers_role_sees_one_tenant_or_nothing(pg, daemon, two, table):
    key = "id" if table == "apps" else "app_id"
    assert as_worker(pg, daemon, None, f"SELECT * FROM {table}") == []
    assert as_worker(pg, daemon, "", f"SELECT * FROM {table}") == []
    for t in two:
        assert {r[0] for r in as_worker(pg, daemon, t.id, f"SELECT {key}::text FROM {table}")} <= {t.id}
    assert as_worker(pg, daemon, two[0].id, f"SELECT * FROM {table} WHERE {key} = %s", two[1].id) == []


@pytest.mark.parametrize("sql", [
    "SELECT * FROM webhook_events", "SELECT * FROM webhook_queue", "SELECT * FROM call_legs", "SELECT * FROM webhook_dead",
    "UPDATE calls SET status = 'ended'", "DELETE FROM calls", "DELETE FROM webhook_events", "UPDATE api_keys SET revoked_at = NULL",
    "INSERT INTO apps (id, name) VALUES (gen_random_uuid(), 'x')", "SELECT * FROM create_app('x')", "TRUNCATE event_dedupe",
    "CREATE TABLE mine (a integer)", "SELECT ringd_drop_partitions(1)", "UPDATE hook_lookup SET secret = 'x'", "SET ROLE ringd_owner",
])
def test_the_workers_role_may_not(pg, daemon, two, sql):
    with pytest.raises(psycopg2.errors.InsufficientPrivilege):
        as_worker(pg, daemon, two[0].id, sql)


def test_event_partitions_are_walled_too(pg, daemon, two):
    with pg.connect(daemon.database, "postgres") as c, c.cursor() as q:
        q.execute("SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = 'webhook_events'::regclass")
        parts = [r[0] for r in q.fetchall()]
    assert len(parts) >= 15
    with pytest.raises(psycopg2.errors.InsufficientPrivilege):
        as_worker(pg, daemon, two[0].id, f"SELECT * FROM {parts[1]}")


def test_keys_and_tokens_are_stored_hashed(pg, daemon, two):
    with pg.connect(daemon.database, "postgres") as c, c.cursor() as q:
        for table in TENANT_TABLES:
            q.execute(f"SELECT coalesce(string_agg(t::text, ' '), '') FROM {table} t")
            text = q.fetchone()[0]
            for t in two:
                assert t.key not in text and t.path.rsplit("/", 1)[1] not in text


def test_a_stranger_cannot_be_the_daemons_role(new_daemon, pg):
    """A role that could step over the wall is refused, with words."""
    d = new_daemon()
    d.config.write_text(d.config.read_text().replace("user=ringd_worker", "user=postgres"))
    d.start(ready=False)
    ringd.wait_for("the refusal in the log", lambda: "superuser" in d.text(), 10)
    d.stop()
