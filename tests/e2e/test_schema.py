"""The database by itself, asked by its own roles: the walls between tenants, the partitions' functions, create_app()."""
import hashlib
import uuid
import zlib

import psycopg2
import psycopg2.errors
import pytest

import ringd

BASE62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
# What each role may do to each table; nothing else. A new table belongs in here.
WORKER = {
    "apps": "r", "api_keys": "r", "api_key_lookup": "r", "hook_lookup": "r", "webhook_events": "a", "webhook_queue": "a",
    "event_dedupe": "ar", "calls": "r", "call_recordings": "r", "call_redirects": "r", "schema_version": "r", "instance": "r",
    "request_logs": "a",
    "oauth_tickets": "ar", "oauth_states": "ar", "dialpad_dials": "ar",
    "ribbon_sessions": "ar", "ribbon_session_lookup": "ar", "ribbon_origins": "r", "ribbon_calls": "ar", "usage": "ar",
}
REAPER = {
    "apps": "r", "webhook_events": "r", "event_dedupe": "dr", "webhook_queue": "adrw", "webhook_dead": "adrw", "calls": "adrw",
    "call_legs": "adrw", "call_recordings": "adrw", "call_redirects": "adrw", "schema_version": "r",
    "oauth_states": "dr", "oauth_tickets": "dr", "dialpad_dials": "dr",
    "ribbon_sessions": "dr", "ribbon_session_lookup": "dr", "ribbon_calls": "drw",
}
COURIER = {
    "dialpad_connections": "adrw", "dialpad_gaps": "adrw", "dialpad_ghosts": "adrw", "dialpad_dials": "adrw", "heartbeats": "arw",
    "hooks": "arw", "hook_lookup": "arw", "webhook_events": "a", "webhook_queue": "a", "event_dedupe": "ar", "apps": "r",
    "calls": "r", "call_legs": "r", "schema_version": "r",
    "exotel_accounts": "rw", "ribbon_agents": "arw", "ribbon_sessions": "r", "ribbon_calls": "rw", "usage": "rw",
}
TENANT_TABLES = ("apps", "api_keys", "calls", "call_recordings", "call_redirects", "dialpad_dials")


def rows(c, sql, *args):
    with c.cursor() as q:
        q.execute(sql, args)
        return q.fetchall()


def run(c, sql, *args):
    with c.cursor() as q:
        q.execute(sql, args)
        return q.rowcount


@pytest.fixture(scope="module")
def database(new_database):
    return new_database()


@pytest.fixture(scope="module")
def owner(pg, database):
    with pg.connect(database) as c:
        yield c


@pytest.fixture(scope="module")
def two(owner):
    """Two tenants with a row of each kind."""
    made = []
    for name in ("Acme", "Globex"):
        app, key = rows(owner, "SELECT id, api_key FROM create_app(%s)", name)[0]
        call, old = str(uuid.uuid4()), str(uuid.uuid4())
        run(owner, "INSERT INTO calls (app_id, id, provider, provider_call_id, status, started_at) "
            "VALUES (%s, %s, 'dialpad', '1', 'active', now())", app, call)
        run(owner, "INSERT INTO call_recordings (app_id, call_id, recording_id) VALUES (%s, %s, 'r')", app, call)
        run(owner, "INSERT INTO call_redirects (app_id, id, call_id) VALUES (%s, %s, %s)", app, old, call)
        run(owner, "INSERT INTO dialpad_dials (app_id, id, user_id, phone_number, created_at) VALUES (%s, %s, '1', '+15550142233', now())", app, old)
        made.append((app, key))
    return made


@pytest.fixture
def as_role(pg, database):
    """A connection of a role, rolled back and closed afterwards."""
    opened = []

    def make(role):
        c = pg.connect(database, role)
        opened.append(c)
        return c
    yield make
    for c in opened:
        c.close()


def said(c, app):
    run(c, "SELECT set_config('ringd.app_id', %s, false)", app)


def event(app, received="now()"):
    return ("INSERT INTO webhook_events (app_id, id, received_at, provider, event_type, is_call, source, secret_used, digest, payload) "
            f"VALUES ('{app}', '{uuid.uuid4()}', {received}, 'dialpad', 'x', false, 'webhook', 'none', '\\x00', '{{}}')")


def test_every_table_with_a_tenant_is_walled_and_the_wall_binds_its_owner(owner):
    open_ones = rows(owner, """
        SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE n.nspname = 'public' AND c.relkind IN ('r', 'p') AND NOT (c.relrowsecurity AND c.relforcerowsecurity)
        ORDER BY 1""")
    assert open_ones == [("heartbeats",), ("instance",), ("schema_version",)]


def test_the_tenant_leads_every_key(owner):
    keys = rows(owner, """
        SELECT c.conrelid::regclass::text, c.contype::text, a.attname FROM pg_constraint c
        JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = c.conkey[1]
        JOIN pg_class t ON t.oid = c.conrelid AND NOT t.relispartition
        WHERE c.connamespace = 'public'::regnamespace AND c.contype IN ('p', 'u', 'f')""")
    assert {(t, a) for t, _, a in keys if a != "app_id"} == {
        ("apps", "id"), ("api_key_lookup", "key_hash"), ("hook_lookup", "token_hash"), ("instance", "name"),
        ("schema_version", "version"), ("oauth_states", "state_hash"), ("oauth_tickets", "token_hash"), ("heartbeats", "name"),
        ("ribbon_session_lookup", "token_hash")}
    assert len(keys) > 12


@pytest.mark.parametrize("role, may", [("ringd_worker", WORKER), ("ringd_reaper", REAPER), ("ringd_courier", COURIER)])
def test_a_role_has_what_it_needs_and_nothing_else(owner, role, may):
    letters = {"SELECT": "r", "INSERT": "a", "UPDATE": "w", "DELETE": "d", "TRUNCATE": "D", "REFERENCES": "x", "TRIGGER": "t"}
    found = {}
    for (table,) in rows(owner, "SELECT oid::regclass::text FROM pg_class WHERE relnamespace = 'public'::regnamespace "
                         "AND relkind IN ('r', 'p', 'v', 'S')"):
        has = "".join(sorted(v for k, v in letters.items()
                             if rows(owner, "SELECT has_table_privilege(%s, %s, %s)", role, table, k)[0][0]))
        if has:
            found[table] = has
    assert found == may
    functions = {f for (f,) in rows(owner, "SELECT proname::text FROM pg_proc WHERE pronamespace = 'public'::regnamespace "
                                    "AND has_function_privilege(%s, oid, 'EXECUTE')", role)}
    assert functions == {"ringd_audit"} | {"ringd_reaper": {"ringd_make_partitions", "ringd_drop_partitions"},
                                            "ringd_courier": {"ringd_is_sealed"}}.get(role, set())
    assert rows(owner, "SELECT rolsuper, rolbypassrls, rolcreaterole, rolcreatedb FROM pg_roles WHERE rolname = %s",
                role) == [(False, False, False, False)]
    assert not rows(owner, "SELECT has_schema_privilege(%s, 'public', 'CREATE')", role)[0][0]


def test_of_keys_the_reaper_may_write_only_when_they_were_used(two, as_role):
    c = as_role("ringd_reaper")
    c.autocommit = False
    assert len(rows(c, "SELECT app_id, key_hash, last_used_at FROM api_keys")) >= 2
    assert run(c, "UPDATE api_keys SET last_used_at = now() WHERE app_id = %s", two[0][0]) == 1
    c.rollback()
    for sql in ("UPDATE api_keys SET revoked_at = NULL", "UPDATE api_keys SET rate_limit = 0", "SELECT scopes FROM api_keys",
                "DELETE FROM api_keys", "INSERT INTO api_keys (app_id, key_hash, last_used_at) VALUES (gen_random_uuid(), '', now())"):
        with pytest.raises(psycopg2.errors.InsufficientPrivilege):
            run(c, sql)
        c.rollback()


@pytest.mark.parametrize("limit, window", [(-1, 60), (10000001, 60), (5, 0), (5, 86401), (5, None), (None, 60)])
def test_a_limit_is_within_bounds_and_whole(two, owner, limit, window):
    with pytest.raises(psycopg2.errors.CheckViolation):
        run(owner, "UPDATE api_keys SET rate_limit = %s, rate_window = %s WHERE app_id = %s", limit, window, two[0][0])


@pytest.mark.parametrize("table", TENANT_TABLES)
def test_a_worker_sees_one_tenant_and_none_when_it_names_none(two, as_role, table):
    c = as_role("ringd_worker")
    column = "id" if table == "apps" else "app_id"
    assert rows(c, f"SELECT {column} FROM {table}") == []
    said(c, "")
    assert rows(c, f"SELECT {column} FROM {table}") == []
    for app, _ in two:
        said(c, app)
        assert {r[0] for r in rows(c, f"SELECT {column} FROM {table}")} == {app}
    said(c, str(uuid.uuid4()))
    assert rows(c, f"SELECT {column} FROM {table}") == []
    said(c, "x' OR true --")
    with pytest.raises(psycopg2.errors.InvalidTextRepresentation):
        rows(c, f"SELECT {column} FROM {table}")


def test_a_workers_setting_ends_with_its_transaction(two, as_role):
    c = as_role("ringd_worker")
    c.autocommit = False
    run(c, "SELECT set_config('ringd.app_id', %s, true)", two[0][0])
    assert len(rows(c, "SELECT id FROM calls")) == 1
    c.commit()
    assert rows(c, "SELECT id FROM calls") == []


@pytest.mark.parametrize("sql", [
    "INSERT INTO calls (app_id, id, provider, provider_call_id, status, started_at) "
    "VALUES ('{app}', '{app}', 'dialpad', '9', 'active', now())",
    "UPDATE calls SET status = 'ended'", "DELETE FROM calls", "UPDATE apps SET is_active = false",
    "UPDATE api_keys SET revoked_at = NULL", "INSERT INTO api_key_lookup (key_hash, app_id) VALUES ('\\x00', '{app}')",
    "SELECT * FROM webhook_events", "SELECT * FROM webhook_queue", "SELECT * FROM webhook_dead", "SELECT * FROM call_legs",
    "SELECT * FROM request_logs", "DELETE FROM request_logs", "SELECT name(r) FROM request_logs r",
    "SELECT * FROM hooks", "DELETE FROM webhook_queue", "DELETE FROM event_dedupe", "UPDATE hook_lookup SET secret = 'x'",
    "INSERT INTO dialpad_dials (app_id, id, user_id, phone_number, created_at) VALUES (gen_random_uuid(), '{app}', '1', '+1', now())",
    "UPDATE dialpad_dials SET state = 'placed'", "DELETE FROM dialpad_dials",
    "SELECT * FROM dialpad_connections", "DELETE FROM oauth_states", "UPDATE oauth_states SET app_id = '{app}'",
    "UPDATE oauth_tickets SET expires_at = now()", "TRUNCATE calls", "SELECT ringd_drop_partitions(1)", "SELECT * FROM create_app('Mine')",
    "CREATE TABLE public.mine (a integer)",
    "SET ROLE ringd_owner",
])
def test_a_worker_is_refused(two, as_role, sql):
    c = as_role("ringd_worker")
    said(c, two[0][0])
    with pytest.raises(psycopg2.errors.InsufficientPrivilege):
        run(c, sql.format(app=two[0][0]))


def test_a_worker_stores_for_all_tenants_and_learns_of_duplicates(two, as_role):
    c = as_role("ringd_worker")
    for app, _ in two:
        run(c, event(app))
        run(c, "INSERT INTO webhook_queue (app_id, id, received_at, next_try_at) VALUES (%s, %s, now(), now())", app, str(uuid.uuid4()))
    add = ("INSERT INTO event_dedupe (app_id, digest, received_at) VALUES (%s, '\\x01', now()), (%s, '\\x01', now()) "
           "ON CONFLICT DO NOTHING RETURNING app_id")
    assert len(rows(c, add, two[0][0], two[1][0])) == 2
    assert rows(c, add, two[0][0], two[1][0]) == []
    with pytest.raises(psycopg2.errors.InsufficientPrivilege):
        run(c, event(two[0][0]) + " RETURNING id")


@pytest.mark.parametrize("sql", [
    "SELECT * FROM api_keys", "SELECT * FROM api_key_lookup", "SELECT * FROM hook_lookup", "SELECT * FROM hooks",
    "SELECT * FROM request_logs", "SELECT * FROM instance", "UPDATE apps SET is_active = true", "DELETE FROM webhook_events", "UPDATE webhook_events SET payload = '{}'",
    "INSERT INTO event_dedupe (app_id, digest, received_at) VALUES (gen_random_uuid(), '\\x00', now())",
    "SELECT * FROM dialpad_connections", "UPDATE oauth_states SET used_at = NULL",
    "SELECT * FROM create_app('Mine')", "DROP TABLE call_legs", "SET ROLE ringd_owner",
])
def test_the_reaper_is_refused(as_role, sql):
    with pytest.raises(psycopg2.errors.InsufficientPrivilege):
        run(as_role("ringd_reaper"), sql)


@pytest.mark.parametrize("sql", [
    "SELECT * FROM webhook_events", "SELECT * FROM webhook_queue", "UPDATE event_dedupe SET received_at = now()", "DELETE FROM event_dedupe",
    "UPDATE calls SET status = 'ended'", "DELETE FROM call_legs", "SELECT * FROM api_keys", "SELECT * FROM instance",
    "UPDATE apps SET is_active = true", "DELETE FROM heartbeats", "SELECT * FROM oauth_states", "SELECT * FROM create_app('Mine')",
    "SET ROLE ringd_owner",
])
def test_the_courier_is_refused(as_role, sql):
    with pytest.raises(psycopg2.errors.InsufficientPrivilege):
        run(as_role("ringd_courier"), sql)


def test_an_app_is_looked_back_over_once_at_a_time(two, as_role):
    c = as_role("ringd_courier")
    add = ("INSERT INTO dialpad_gaps (app_id, id, from_at, to_at, reason, next_try_at, created_at) "
           "VALUES (%s, gen_random_uuid(), now(), now(), %s, now(), now()) ON CONFLICT DO NOTHING")
    assert [run(c, add, two[0][0], r) for r in ("routine", "routine", "downtime", "downtime")] == [1, 0, 1, 1]
    assert run(c, add, two[1][0], "routine") == 1
    run(c, "UPDATE dialpad_gaps SET state = 'done' WHERE app_id = %s", two[0][0])
    assert run(c, add, two[0][0], "routine") == 1


def test_the_reaper_works_for_all_tenants(two, as_role):
    c = as_role("ringd_reaper")
    assert {r[0] for r in rows(c, "SELECT app_id FROM calls")} == {app for app, _ in two}


def test_a_partition_asked_directly_is_closed(two, as_role, owner):
    (name,) = rows(owner, "SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = 'webhook_events'::regclass LIMIT 1")[0]
    for role in ("ringd_worker", "ringd_reaper"):
        with pytest.raises(psycopg2.errors.InsufficientPrivilege):
            rows(as_role(role), f"SELECT * FROM {name}")


def days(c):
    return [n for (n,) in rows(c, "SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = 'webhook_events'::regclass "
                               "AND inhrelid::regclass::text ~ '^webhook_events_[0-9]{8}$' ORDER BY 1")]


def day(c, offset):
    return rows(c, "SELECT 'webhook_events_' || to_char((now() AT TIME ZONE 'UTC')::date + %s, 'YYYYMMDD')", offset)[0][0]


def test_partitions_are_made_ahead_once_and_dropped_behind(pg, new_database):
    database = new_database()
    with pg.connect(database) as own, pg.connect(database, "ringd_reaper") as c:
        assert days(c) == [day(c, i) for i in range(-1, 15)]
        assert rows(c, "SELECT ringd_make_partitions(14)") == [(0,)]
        assert rows(c, "SELECT ringd_make_partitions(20)") == [(6,)]
        assert days(c)[-1] == day(c, 20)
        old = day(c, -40)
        run(own, f"CREATE TABLE {old} PARTITION OF webhook_events FOR VALUES FROM (%s) TO (%s)",
            f"{old[-8:]} 00:00:00+00", rows(c, "SELECT (%s::date + 1)::text || ' 00:00:00+00'", old[-8:])[0][0])
        assert rows(c, "SELECT ringd_drop_partitions(40)") == [(0,)]
        assert rows(c, "SELECT ringd_drop_partitions(39)") == [(1,)]
        assert old not in days(c)
        assert rows(c, "SELECT ringd_drop_partitions(1)") == [(0,)], "yesterday stays"
        for sql in ("SELECT ringd_drop_partitions(0)", "SELECT ringd_drop_partitions(NULL)", "SELECT ringd_make_partitions(-1)",
                    "SELECT ringd_make_partitions(100000)", "SELECT ringd_make_partitions(1, 'calls')",
                    "SELECT ringd_drop_partitions(1, 'calls')", "SELECT ringd_drop_partitions(1, NULL)"):
            with pytest.raises(psycopg2.errors.InvalidParameterValue):
                run(c, sql)


def test_partitions_of_a_new_day_take_rows_in_utc_and_keep_the_walls(pg, new_database):
    database = new_database()
    app = str(uuid.uuid4())
    with pg.connect(database) as own, pg.connect(database, "ringd_worker") as c:
        run(c, "SET timezone = 'Asia/Kolkata'")
        run(own, "SET timezone = 'America/New_York'")
        assert rows(own, "SELECT ringd_make_partitions(16)") == [(2,)]
        midnight = "(date_trunc('day', now() AT TIME ZONE 'UTC') + interval '16 days') AT TIME ZONE 'UTC'"
        run(c, event(app, midnight))
        run(c, event(app, midnight + " + interval '23 hours 59 minutes'"))
        assert {t for (t,) in rows(own, "SELECT tableoid::regclass::text FROM webhook_events")} == {day(own, 16)}
        with pytest.raises(psycopg2.errors.CheckViolation):
            run(c, event(app, midnight + " + interval '1 day'"))
        walls = rows(own, "SELECT relrowsecurity, relforcerowsecurity FROM pg_class WHERE oid = %s::regclass", day(own, 16))
        assert walls == [(True, True)]


def test_making_partitions_does_not_wait_for_writers(pg, new_database):
    database = new_database()
    with pg.connect(database, "ringd_worker") as w, pg.connect(database, "ringd_reaper") as c:
        w.autocommit = False
        run(w, event(str(uuid.uuid4())))  # a batch under way
        run(c, "SET lock_timeout = '2s'")
        assert rows(c, "SELECT ringd_make_partitions(15)") == [(1,)]
        w.commit()


def base62(number, width):
    text = ""
    for _ in range(width):
        number, digit = divmod(number, 62)
        text = BASE62[digit] + text
    return text


def test_a_key_of_create_app_has_the_tokens_form(owner):
    seen = set()
    for n in range(20):
        app, key = rows(owner, "SELECT id, api_key FROM create_app(%s)", f"App {n}")[0]
        assert uuid.UUID(app).version == 7
        assert key.startswith("app_") and len(key) == 4 + 43 + 6 and set(key[4:]) <= set(BASE62)
        assert key[-6:] == base62(zlib.crc32(key[:-6].encode()), 6)
        digest = hashlib.sha256(key.encode()).digest()
        assert rows(owner, "SELECT app_id FROM api_key_lookup WHERE key_hash = %s", digest) == [(app,)]
        assert rows(owner, "SELECT kind, scopes, prefix, last4, revoked_at FROM api_keys WHERE app_id = %s AND key_hash = %s", app,
                    digest) == [("server", "read", key[:8], key[-4:], None)]
        seen.add(key)
    assert len(seen) == 20
    for name in (None, "", "  ", "x" * 201):
        with pytest.raises(psycopg2.errors.InvalidParameterValue):
            rows(owner, "SELECT * FROM create_app(%s)", name)


@pytest.mark.parametrize("n, text", [(0, "000000"), (61, "00000z"), (62, "000010"), (2**32 - 1, "4gfFC3")])
def test_base62_of_the_database(owner, n, text):
    assert rows(owner, "SELECT ringd_base62(%s, 6)", n) == [(text,)] == [(base62(n, 6),)]


@pytest.mark.parametrize("data", [b"", b"123456789", bytes(range(256)), b"\xff" * 9])
def test_crc32_of_the_database(owner, data):
    assert rows(owner, "SELECT ringd_crc32(%s)", data) == [(zlib.crc32(data),)]


def test_the_program_takes_a_key_that_the_database_made(new_daemon, pg):
    d = new_daemon().start()
    with pg.connect(d.database) as c:
        keys = [rows(c, "SELECT api_key FROM create_app(%s)", f"App {n}")[0][0] for n in range(5)]
    for key in keys:
        assert d.get("/api/calls", key).status == 200
    assert d.get("/api/calls", keys[0][:-1] + ("0" if keys[0][-1] != "0" else "1")).status == 401
    assert d.stop() == 0


def test_a_key_for_signing_cursors_is_there_once(owner, as_role):
    assert [len(bytes(v)) for (v,) in rows(as_role("ringd_worker"), "SELECT value FROM instance WHERE name = 'cursor_key'")] == [32]


def test_types_stay_portable(owner):
    assert {t for (t,) in rows(owner, """
        SELECT DISTINCT format_type(a.atttypid, a.atttypmod) FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
        WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND a.attnum > 0 AND NOT a.attisdropped""")} <= {
            "text", "bigint", "integer", "boolean", "timestamp with time zone", "json", "jsonb", "bytea", "uuid"}
    assert rows(owner, "SELECT count(*) FROM pg_class WHERE relkind = 'S' AND relnamespace = 'public'::regnamespace") == [(0,)]
    assert rows(owner, "SELECT count(*) FROM pg_trigger WHERE NOT tgisinternal") == [(0,)]
    assert rows(owner, "SELECT count(*) FROM pg_policy WHERE coalesce(pg_get_expr(polqual, polrelid), '') ~* 'select'") == [(0,)]


def test_roles_can_be_made_again(pg, database):
    pg.psql(database, ringd.TOP / "sql/roles.sql")
