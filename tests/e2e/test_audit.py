"""The audit log: a chain nobody breaks unseen, written in the transaction of what it tells, by roles that cannot read it."""
import hashlib
import json
import struct
import subprocess
import threading
import uuid

import psycopg2
import psycopg2.errors
import pytest

import ringd
from dialpad_sim import Browser, Dialpad, key_ring, settings
from ringd import BIN, ringctl

ROWS = 12
INSTALLATION = "00000000-0000-0000-0000-000000000000"


@pytest.fixture(scope="module")
def database(new_database):
    return new_database()


@pytest.fixture(scope="module")
def dsn(pg, database):
    return pg.dsn(database)


@pytest.fixture(scope="module")
def owner(pg, database):
    with pg.connect(database) as c:
        yield c


def sql(c, text, *args):
    with c.cursor() as q:
        q.execute(text, args)
        return q.fetchall() if q.description else q.rowcount


def audit(c, app, action="test.done", subject=None, detail=None, actor="key:1", request=None):
    return sql(c, "SELECT ringd_audit(%s, %s, %s, %s, %s, %s)", app, actor, action, subject, detail, request)[0][0]


def verify(dsn, app=None, *more):
    """The exit code, and what was said of the app, or of all."""
    done = ringctl("audit", "verify", *([app] if app else []), *more, database=dsn, check=False)
    assert done.returncode in (0, 1) and done.stdout, done
    return done.returncode, json.loads(done.stdout)


@pytest.fixture(scope="module")
def chain(owner):
    """An app's rows of all kinds, and a copy to go back to after each tampering."""
    app = str(uuid.uuid4())
    sql(owner, "INSERT INTO apps (id, name) VALUES (%s, 'Chained')", app)
    for i in range(ROWS):
        audit(owner, app, f"test.{i}", None if i % 3 else f"subject {i}", None if i % 2 else json.dumps({"ünï": i}),
              request="" if i % 4 else None)
    sql(owner, "CREATE TABLE saved_log AS SELECT * FROM audit_log WHERE app_id = %s", app)
    sql(owner, "CREATE TABLE saved_heads AS SELECT * FROM audit_heads WHERE app_id = %s", app)
    return app


@pytest.fixture
def whole(owner, chain, dsn):
    yield chain
    sql(owner, "DELETE FROM audit_log WHERE app_id = %s", chain)
    sql(owner, "DELETE FROM audit_heads WHERE app_id = %s", chain)
    sql(owner, "INSERT INTO audit_log SELECT * FROM saved_log")
    sql(owner, "INSERT INTO audit_heads SELECT * FROM saved_heads")
    assert verify(dsn, chain)[0] == 0


def field(text):
    return b"\xff\xff\xff\xff" if text is None else struct.pack(">I", len(text.encode())) + text.encode()


def digest(previous, app, seq, us, *fields):
    return hashlib.sha256(previous + uuid.UUID(app).bytes + struct.pack(">qq", seq, us) + b"".join(map(field, fields))).digest()


def test_the_bytes_are_those_the_manual_names(owner, whole, dsn):
    """Computed a third time, by somebody who has only the description."""
    previous = b""
    for seq, us, *fields, stored in sql(owner, """SELECT seq, (extract(epoch FROM at) * 1000000)::bigint, actor, action, subject, detail,
                                              request_id, db_role, hash FROM audit_log WHERE app_id = %s ORDER BY seq""", whole):
        previous = digest(previous, whole, seq, us, *fields)
        assert previous == bytes(stored), seq
    assert sql(owner, "SELECT seq, hash FROM audit_heads WHERE app_id = %s", whole)[0][1].tobytes() == previous
    code, said = verify(dsn, whole)
    assert (code, said["state"], said["rows"], said["head"]) == (0, "whole", ROWS, f"{ROWS}:{previous.hex()}")
    assert said["seq"] is None and said["fault"] is None and said["why"] is None
    assert ringctl("audit", "head", whole, database=dsn) == [{"app": "Chained", "app_id": whole, "head": said["head"]}]


UPDATES = {
    "at": "at + interval '1 microsecond'", "actor": "actor || ' '", "action": "upper(action)", "subject": "coalesce(subject, '')",
    "detail": "coalesce(detail, '{}') || ' '", "request_id": "CASE WHEN request_id IS NULL THEN '' END", "db_role": "'ringd_worker'",
}


@pytest.mark.parametrize("column", UPDATES)
@pytest.mark.parametrize("seq", [1, 6, ROWS])
def test_a_changed_column_shows(owner, whole, dsn, column, seq):
    assert sql(owner, f"UPDATE audit_log SET {column} = {UPDATES[column]} WHERE app_id = %s AND seq = %s", whole, seq) == 1
    if column == "subject" and sql(owner, "SELECT subject FROM saved_log WHERE seq = %s", seq)[0][0] is not None:
        sql(owner, "UPDATE audit_log SET subject = NULL WHERE app_id = %s AND seq = %s", whole, seq)
    code, said = verify(dsn, whole)
    assert (code, said["state"], said["seq"], said["fault"], said["rows"]) == (1, "broken", seq, "changed", seq - 1)
    assert said["why"] == f"row {seq} was changed"


TAMPERINGS = {
    "the hash of a row": ("UPDATE audit_log SET hash = sha256('x') WHERE app_id = %s AND seq = 6", 6, "hash", "the hash of row 6 was changed"),
    "half a hash": ("UPDATE audit_log SET hash = substring(hash FROM 1 FOR 16) WHERE app_id = %s AND seq = 6", 6, "hash", "hash of row 6"),
    "the first row gone": ("DELETE FROM audit_log WHERE app_id = %s AND seq = 1", 1, "missing", "row 1 is missing"),
    "one in the middle gone": ("DELETE FROM audit_log WHERE app_id = %s AND seq = 6", 6, "missing", "row 6 is missing"),
    "three in the middle gone": ("DELETE FROM audit_log WHERE app_id = %s AND seq BETWEEN 5 AND 7", 5, "missing", "rows 5 to 7 are missing"),
    "the last gone": ("DELETE FROM audit_log WHERE app_id = %s AND seq = 12", 12, "cut", "rows up to 11, the head says 12"),
    "the tail gone": ("DELETE FROM audit_log WHERE app_id = %s AND seq > 8", 9, "cut", "rows up to 8, the head says 12"),
    "all rows gone": ("DELETE FROM audit_log WHERE app_id = %s", 1, "cut", "rows up to 0, the head says 12"),
    "the head gone": ("DELETE FROM audit_heads WHERE app_id = %s", 12, "head", "head is gone"),
    "the head set back": ("UPDATE audit_heads SET seq = 10 WHERE app_id = %s", 11, "head", "the head says 10"),
    "the head's hash": ("UPDATE audit_heads SET hash = sha256('x') WHERE app_id = %s", 12, "head", "the head's hash is not that of row 12"),
    "two neighbours exchanged": ("UPDATE audit_log SET seq = CASE seq WHEN -5 THEN 6 ELSE 5 END WHERE app_id = %s AND seq IN (-5, 6)",
                                 5, "exchanged", "rows 5 and 6 have changed places"),
    "two far ones exchanged": ("UPDATE audit_log SET seq = CASE seq WHEN -5 THEN 9 ELSE 5 END WHERE app_id = %s AND seq IN (-5, 9)",
                               5, "exchanged", "rows 5 and 9 have changed places"),
    "one taken out, the rest numbered anew": ("""WITH gone AS (DELETE FROM audit_log WHERE app_id = %s AND seq = 6 RETURNING app_id)
        UPDATE audit_log l SET seq = l.seq - 1000001 FROM gone WHERE l.app_id = gone.app_id AND l.seq > 1000000""", 6, "broken", "does not follow"),
    "a row before the first": ("INSERT INTO audit_log SELECT app_id, 0, at, actor, action, subject, detail, request_id, db_role, hash "
                               "FROM audit_log WHERE app_id = %s AND seq = 1", 0, "double", "one row 0 too many"),
}


@pytest.mark.parametrize("name", TAMPERINGS)
def test_tampering_shows_where_and_how(owner, whole, dsn, name):
    text, seq, fault, why = TAMPERINGS[name]
    if "seq WHEN -5" in text:
        sql(owner, "UPDATE audit_log SET seq = -5 WHERE app_id = %s AND seq = 5", whole)
        sql(owner, "ALTER TABLE audit_log DROP CONSTRAINT audit_log_pkey")
    if "numbered anew" in name:
        sql(owner, "UPDATE audit_log SET seq = seq + 1000000 WHERE app_id = %s AND seq > 6", whole)
    try:
        sql(owner, text, whole)
    finally:
        if "seq WHEN -5" in text:
            sql(owner, "ALTER TABLE audit_log ADD PRIMARY KEY (app_id, seq)")
    code, said = verify(dsn, whole)
    assert (code, said["seq"], said["fault"]) == (1, seq, fault), said
    assert why in said["why"]


def put_in(owner, app, seq, hash_of):
    sql(owner, "UPDATE audit_log SET seq = -seq WHERE app_id = %s AND seq >= %s", app, seq)
    sql(owner, "UPDATE audit_log SET seq = 1 - seq WHERE app_id = %s AND seq < 0", app)
    previous = sql(owner, "SELECT hash FROM audit_log WHERE app_id = %s AND seq = %s", app, seq - 1)[0][0].tobytes()
    h = hash_of(previous, app, seq, 1700000000000000, "ringctl:eve", "key.create", None, None, None, "ringd_owner")
    sql(owner, "INSERT INTO audit_log VALUES (%s, %s, to_timestamp(1700000000), 'ringctl:eve', 'key.create', NULL, NULL, NULL, "
        "'ringd_owner', %s)", app, seq, h)
    sql(owner, "UPDATE audit_heads SET seq = seq + 1 WHERE app_id = %s", app)


@pytest.mark.parametrize("hash_of", [digest, lambda *_: b"\0" * 32], ids=["with the right hash", "with any hash"])
@pytest.mark.parametrize("seq", [2, 7, ROWS])
def test_a_row_put_in_shows(owner, whole, dsn, seq, hash_of):
    put_in(owner, whole, seq, hash_of)
    code, said = verify(dsn, whole)
    assert (code, said["seq"], said["fault"]) == (1, seq, "inserted"), said
    assert said["why"] == f"row {seq} was put in: row {seq + 1} was in its place"


def rewrite(owner, app):
    """What whoever owns the tables can do: everything, so that it fits."""
    rows = sql(owner, "SELECT seq, (extract(epoch FROM at) * 1000000)::bigint, actor, action, subject, detail, request_id, db_role "
               "FROM audit_log WHERE app_id = %s ORDER BY seq", app)
    previous = b""
    for seq, us, *fields in rows:
        previous = digest(previous, app, seq, us, *fields)
        sql(owner, "UPDATE audit_log SET hash = %s WHERE app_id = %s AND seq = %s", previous, app, seq)
    sql(owner, "UPDATE audit_heads SET seq = %s, hash = %s WHERE app_id = %s", rows[-1][0], previous, app)


def test_only_a_head_noted_elsewhere_shows_a_chain_written_anew(owner, whole, dsn):
    [noted] = [h["head"] for h in ringctl("audit", "head", whole, database=dsn)]
    assert verify(dsn, whole, "--head", noted)[0] == 0
    early = verify(dsn, whole)[1]
    sql(owner, "UPDATE audit_log SET actor = 'ringctl:mallory' WHERE app_id = %s AND seq = 4", whole)
    rewrite(owner, whole)
    assert verify(dsn, whole)[0] == 0                       # it fits, and that is all anybody can say
    code, said = verify(dsn, whole, "--head", noted)
    assert (code, said["fault"], said["seq"]) == (1, "noted", ROWS) and "written anew" in said["why"]
    sql(owner, "DELETE FROM audit_log WHERE app_id = %s AND seq > 9", whole)
    rewrite(owner, whole)
    assert verify(dsn, whole)[0] == 0
    code, said = verify(dsn, whole, "--head", noted)
    assert (code, said["fault"], said["seq"]) == (1, "noted", 10) and f"the noted head says {ROWS}" in said["why"]
    assert early["head"] == noted


def test_a_noted_head_stays_good_while_the_log_grows(owner, whole, dsn):
    [noted] = [h["head"] for h in ringctl("audit", "head", whole, database=dsn)]
    audit(owner, whole)
    assert verify(dsn, whole, "--head", noted)[0] == 0


@pytest.mark.parametrize("head", ["12", "x:00", "0:" + "0" * 64, "12:abc", "12:" + "0" * 66])
def test_a_head_that_is_none_is_refused(dsn, chain, head):
    done = ringctl("audit", "verify", chain, "--head", head, database=dsn, check=False)
    assert done.returncode == 2 and "SEQ:HASH" in done.stderr
    done = ringctl("audit", "verify", "--head", "1:" + "0" * 64, database=dsn, check=False)
    assert done.returncode == 2 and "of which app" in done.stderr


def test_everything_is_verified_and_told_row_by_row(owner, whole, dsn):
    nil = INSTALLATION
    audit(owner, nil, "config.loaded")
    sql(owner, "DELETE FROM audit_log WHERE app_id = %s AND seq = 3", whole)
    code, said = verify(dsn)
    states = {r["app_id"]: r["state"] for r in said}
    assert code == 1 and states[whole] == "broken" and states[nil] == "whole"
    text = subprocess.run([str(BIN / "ringctl"), "--database", dsn, "audit", "verify"], capture_output=True, text=True, timeout=60)
    assert text.returncode == 1 and "row 3 is missing" in text.stdout and "the installation" in text.stdout
    assert verify(dsn, nil)[0] == 0


@pytest.mark.parametrize("seq", [1000, 1001, 2500])
def test_long_chains_are_walked_in_pages(owner, dsn, seq):
    app = str(uuid.uuid4())
    sql(owner, "SELECT ringd_audit(%s, 'key:1', 'test.long', n::text, NULL, NULL) FROM generate_series(1, 2500) n", app)
    sql(owner, "UPDATE audit_log SET detail = 'x' WHERE app_id = %s AND seq = %s", app, seq)
    [said] = [r for r in verify(dsn)[1] if r["app_id"] == app]
    assert (said["seq"], said["fault"], said["rows"]) == (seq, "changed", seq - 1)
    sql(owner, "DELETE FROM audit_log WHERE app_id = %s", app)
    sql(owner, "DELETE FROM audit_heads WHERE app_id = %s", app)


def test_sixteen_at_once_make_one_chain(pg, database, owner, dsn):
    app = str(uuid.uuid4())
    sql(owner, "INSERT INTO apps (id, name) VALUES (%s, 'Busy')", app)
    failures = []

    def work(me):
        try:
            with pg.connect(database, "ringd_worker") as c:
                sql(c, "SET synchronous_commit = off")
                for i in range(200):
                    audit(c, app, "test.busy", f"{me}/{i}")
        except Exception as e:  # pylint: disable=broad-except
            failures.append(e)
    threads = [threading.Thread(target=work, args=(n,)) for n in range(16)]
    for t in threads:
        t.start()
    for t in threads:
        t.join(120)
    assert not failures
    code, said = verify(dsn, app)
    assert (code, said["rows"], said["state"]) == (0, 3200, "whole")
    assert sql(owner, "SELECT count(DISTINCT subject) FROM audit_log WHERE app_id = %s AND db_role = 'ringd_worker'", app) == [(3200,)]


@pytest.mark.parametrize("role", ["ringd_worker", "ringd_courier", "ringd_reaper"])
@pytest.mark.parametrize("text", [
    "SELECT * FROM audit_log", "SELECT seq FROM audit_heads", "UPDATE audit_log SET actor = 'x'", "DELETE FROM audit_log", "TRUNCATE audit_log",
    "INSERT INTO audit_log (app_id, seq, at, actor, action, db_role, hash) VALUES (gen_random_uuid(), 1, now(), 'x', 'x', 'x', '')",
    "UPDATE audit_heads SET seq = 0", "DELETE FROM audit_heads", "SELECT ringd_audit_field('x')", "COPY audit_log TO STDOUT",
    "ALTER TABLE audit_log DISABLE ROW LEVEL SECURITY", "DROP FUNCTION ringd_audit(uuid, text, text, text, text, text)",
    "SET ROLE ringd_owner", "SET SESSION AUTHORIZATION ringd_owner", "RESET ROLE; SELECT * FROM audit_log",
    "CREATE OR REPLACE FUNCTION public.sha256(bytea) RETURNS bytea LANGUAGE sql AS 'SELECT $1'",
])
def test_the_daemons_roles_can_only_add(pg, database, role, text):
    with pg.connect(database, role) as c, pytest.raises(psycopg2.errors.InsufficientPrivilege):
        sql(c, text)


def test_what_is_written_is_only_text_and_the_writer_is_told(pg, database, owner, chain):
    """Nothing in a text is run, and nobody writes in another role's name or over another table by way of temporary ones."""
    app = str(uuid.uuid4())
    with pg.connect(database, "ringd_worker") as c:
        sql(c, "CREATE TEMPORARY TABLE audit_log (LIKE schema_version)")
        sql(c, "CREATE TEMPORARY TABLE audit_heads (LIKE schema_version)")
        for text in ["'; RESET ROLE; DROP TABLE audit_log; --", "$$; SET ROLE ringd_owner; $$", "\\'); DELETE FROM audit_heads; --"]:
            audit(c, app, text, text, text, "ringctl:root", text)
        with pytest.raises(psycopg2.Error):
            audit(c, None)
    assert sql(owner, "SELECT DISTINCT db_role, count(*) FROM audit_log WHERE app_id = %s GROUP BY 1", app) == [("ringd_worker", 3)]


def test_the_row_is_there_or_not_with_its_transaction(pg, database, owner):
    app = str(uuid.uuid4())
    c = psycopg2.connect(pg.dsn(database, "ringd_worker"))
    audit(c, app)
    c.rollback()
    audit(c, app, "second")
    c.commit()
    c.close()
    assert sql(owner, "SELECT seq, action FROM audit_log WHERE app_id = %s", app) == [(1, "second")]


def log_of(dsn, app):
    return ringctl("audit", "show", app, database=dsn)


def test_ringctl_writes_down_what_it_changes(owner, dsn):
    user = subprocess.run(["id", "-un"], capture_output=True, text=True, check=True).stdout.strip()
    app = ringctl("app", "create", "Watched", database=dsn)
    key = ringctl("key", "create", app["id"], "--scopes", "dial", "--note", "canary note", database=dsn)
    hook = ringctl("hook", "create", app["id"], database=dsn)
    for words in (["key", "limit", app["id"], key["id"], "10/1m"], ["hook", "rotate", app["id"], hook["id"]],
                  ["hook", "disable", app["id"], hook["id"]], ["hook", "enable", app["id"], hook["id"]],
                  ["key", "revoke", app["id"], key["id"]], ["app", "disable", app["id"]], ["app", "enable", app["id"]]):
        ringctl(*words, database=dsn)
    log = log_of(dsn, app["id"])
    assert [r["action"] for r in reversed(log)] == ["app.create", "key.create", "hook.create", "key.limit", "hook.rotate", "hook.disable",
                                                    "hook.enable", "key.revoke", "app.disable", "app.enable"]
    assert {r["actor"] for r in log} == {f"ringctl:{user}"} and {r["db_role"] for r in log} == {"ringd_owner"}
    by = {r["action"]: r for r in log}
    assert json.loads(by["key.create"]["detail"]) == {"kind": "server", "scopes": "dial"} and by["key.create"]["subject"] == key["id"]
    assert json.loads(by["key.limit"]["detail"]) == {"limit": "10/1m"} and json.loads(by["app.create"]["detail"]) == {"name": "Watched"}
    assert by["hook.rotate"]["subject"] == hook["id"]
    text = json.dumps(log)
    for secret in (app["api_key"], key["api_key"], hook["secret"], hook["token"]):
        assert secret not in text
    assert verify(dsn, app["id"])[0] == 0


def test_the_schema_is_in_it(pg, base):
    with pg.connect("postgres", "postgres") as c:
        sql(c, "CREATE DATABASE noted")
    pg.psql("noted", ringd.TOP / "sql/roles.sql")
    for _ in range(2):      # the second has nothing to do
        done = ringctl("migrate", "--dir", ringd.TOP / "sql", database=pg.dsn("noted"))
    [row] = log_of(pg.dsn("noted"), INSTALLATION)
    assert (row["action"], row["subject"], row["detail"]) == ("schema.migrate", str(done["version"]), '{"from":"0"}')


def test_the_key_ring_is_in_it_where_the_database_is_known(dsn, pg, tmp_path):
    path = tmp_path / "keys"

    def add(**where):
        done = ringctl("keyring", "add", "--key-file", path, check=False, **where)
        assert done.returncode == 0, done
        return done.stderr.decode() if isinstance(done.stderr, bytes) else done.stderr

    def noted():
        return [(r["subject"], json.loads(r["detail"])) for r in ringctl("audit", "show", INSTALLATION, "--action", "keyring.add", database=dsn) or []]
    assert "audit log" not in add() and noted() == []
    assert "audit log" not in add(database=dsn) and noted() == [("2", {"file": str(path)})]
    assert "this was done, and is not in the audit log" in add(database=f"host={tmp_path} dbname=nobody")
    assert "audit log" not in add(database=pg.dsn("postgres")), "no schema, no log"
    key = path.read_text().splitlines()[-1].split(":")[1]
    assert len(key) == 64 and key not in json.dumps(log_of(dsn, INSTALLATION)) and verify(dsn)[0] in (0, 1)


def test_what_changed_nothing_is_not_in_it(owner, dsn):
    app = ringctl("app", "create", "Quiet", database=dsn)
    for words in (["key", "revoke", app["id"], str(uuid.uuid4())], ["hook", "disable", app["id"], str(uuid.uuid4())],
                  ["key", "limit", app["id"], str(uuid.uuid4()), "off"]):
        assert ringctl(*words, database=dsn, check=False).returncode == 3
    assert ringctl("gap", "repair", app["id"], "--from", "2h", database=dsn, check=False).returncode == 1
    assert [r["action"] for r in log_of(dsn, app["id"])] == ["app.create"]


def test_replayed_events_are_in_it_once_for_each_batch(pg, new_daemon):
    d = new_daemon().start()
    try:
        dsn = pg.dsn(d.database)
        t = ringd.Tenant(dsn, "Replayed")
        for event in ringd.SAMPLES[:3]:
            assert d.post(t.path, ringd.jwt(event, t.secret)).status == 200
        with pg.connect(d.database) as c:
            ringd.drained(c)
        assert ringctl("events", "replay", t.id, "--since", "1h", database=dsn)["requeued"] == 3
        [row] = ringctl("audit", "show", t.id, "--action", "events.replay", database=dsn)
        assert json.loads(row["detail"]) == {"events": 3}
    finally:
        assert d.stop() == 0


@pytest.fixture(scope="module")
def sim():
    s = Dialpad()
    yield s
    s.stop()


@pytest.fixture
def connected(new_daemon, sim):
    d = new_daemon()
    d.write(**settings(sim, d.port, key_ring(d.base)))
    d.start()
    yield d
    if d.process.poll() is None:
        assert d.stop() == 0, d.text()[-3000:]


def test_connecting_dialling_and_disconnecting_are_in_it(pg, connected, sim):
    d, dsn = connected, pg.dsn(connected.database)
    app = ringctl("app", "create", "Connected", database=dsn)
    key = ringctl("key", "create", app["id"], "--scopes", "dial,connect", database=dsn)
    browser = Browser()
    url = ringctl("dialpad", "connect-url", app["id"], database=dsn, config=d.config)["url"]
    assert browser.get(browser.consent(browser.get(url).headers["location"])).status == 200
    ask = {"x-app-api-key": key["api_key"], "Content-Type": "application/json", "Idempotency-Key": "once"}
    wish = json.dumps({"user_id": "5600110022003300", "phone_number": "+15550142233"})
    answers = [d.post("/api/calls", wish, ask) for _ in range(3)]
    assert len({a.json["data"]["id"] for a in answers}) == 1, answers
    assert d.post("/auth/dialpad/connect", "", {"x-app-api-key": key["api_key"]}).status in (200, 302)
    ringctl("dialpad", "disconnect", app["id"], "--admin", f"unix:{d.socket}", database=dsn, config=d.config)
    log = log_of(dsn, app["id"])
    by = {r["action"]: r for r in log}
    found = [r["action"] for r in reversed(log) if r["action"] != "dialpad.renewed"]
    assert found == ["app.create", "key.create", "dialpad.connect_url", "dialpad.connect", "dialpad.connected", "dialpad.dial",
                     "dialpad.dialled", "dialpad.connect", "dialpad.disconnect", "dialpad.disconnecting", "dialpad.disconnected"]
    assert by["dialpad.dial"]["actor"] == f"key:{key['id']}" and by["dialpad.dial"]["db_role"] == "ringd_worker"
    assert by["dialpad.dial"]["subject"] == by["dialpad.dialled"]["subject"] == answers[0].json["data"]["id"]
    assert json.loads(by["dialpad.dial"]["detail"]) == {"user_id": "5600110022003300", "phone_number": "+1555...233"}
    assert by["dialpad.dial"]["request_id"] == answers[0].headers["x-request-id"]
    assert json.loads(by["dialpad.dialled"]["detail"])["state"] == "placed" and by["dialpad.dialled"]["db_role"] == "ringd_courier"
    assert "+15550142233" not in json.dumps(log) and verify(dsn, app["id"])[0] == 0


def test_refusals_never_wait_and_a_flood_is_two_rows(pg, connected, sim):
    """The first at once, the others with their number, at the latest when the daemon ends."""
    d, dsn = connected, pg.dsn(connected.database)
    app = ringctl("app", "create", "Denied", database=dsn)
    for _ in range(5):
        browser = Browser()
        url = ringctl("dialpad", "connect-url", app["id"], database=dsn, config=d.config)["url"]
        assert browser.get(browser.consent(browser.get(url).headers["location"], "deny")).status == 403

    def rows():
        return [r for r in log_of(dsn, app["id"]) if r["action"] == "dialpad.connect_failed"]
    ringd.wait_for("the first", rows)
    assert rows()[-1]["request_id"] and rows()[-1]["actor"] == "browser" and json.loads(rows()[-1]["detail"]) == {"code": "denied"}
    assert d.stop() == 0
    assert sum(json.loads(r["detail"]).get("times", 1) for r in rows()) == 5
    workers = len({r["request_id"] for r in rows() if r["request_id"]})
    assert len(rows()) <= 2 * workers and verify(dsn, app["id"])[0] == 0


def test_show_filters(owner, whole, dsn):
    assert [r["seq"] for r in ringctl("audit", "show", whole, "--limit", "3", database=dsn)] == [12, 11, 10]
    assert [r["action"] for r in ringctl("audit", "show", whole, "--action", "test.4", database=dsn)] == ["test.4"]
    assert ringctl("audit", "show", whole, "--since", "1ms", database=dsn) in ([], None)
    sql(owner, "UPDATE audit_log SET at = at - interval '3 days' WHERE app_id = %s AND seq < 6", whole)
    assert len(ringctl("audit", "show", whole, "--since", "1h", database=dsn)) == ROWS - 5
    assert [r["app_id"] for r in ringctl("audit", "show", "--action", "test.4", database=dsn)] == [whole]
    assert ringctl("audit", "show", "nobody", database=dsn, check=False).returncode == 3


def test_each_generation_notes_its_configuration(pg, new_daemon):
    """Under the installation's own chain; two configurations that differ in a secret only are alike."""
    d = new_daemon(workers=1).start()
    dsn = pg.dsn(d.database)

    def rows(n):
        found = ringctl("audit", "show", INSTALLATION, "--action", "config.loaded", database=dsn) or []
        return found if len(found) >= n else []
    try:
        ringd.wait_for("the first", lambda: rows(1))
        d.write(workers=2)
        ringctl("reload", config=d.config)
        ringd.wait_for("the second", lambda: rows(2))
        d.write(workers=1)
        ringctl("reload", config=d.config)
        ringd.wait_for("the third", lambda: rows(3))
        third, second, first = [json.loads(r["detail"]) for r in rows(3)]
        assert first["generation"] < second["generation"] < third["generation"]
        assert first["sha256"] == third["sha256"] != second["sha256"]
        assert {(r["actor"], r["action"], r["db_role"], r["subject"]) for r in rows(3)} == {("reaper", "config.loaded", "ringd_reaper",
                                                                                        str(d.config))}
        assert verify(dsn)[0] == 0
    finally:
        assert d.stop() == 0


def test_who_holds_the_chain_does_not_stop_events(pg, new_daemon):
    """The reaper tries once to note its configuration, then goes on."""
    d = new_daemon()
    with pg.connect(d.database) as c:
        audit(c, INSTALLATION)
        c.autocommit = False
        audit(c, INSTALLATION)        # and no commit
        d.write(database_keys={"statement_timeout": "1s"})
        d.start()
        try:
            t = ringd.Tenant(pg.dsn(d.database), "Patient")
            assert d.post(t.path, ringd.jwt(ringd.SAMPLES[0], t.secret)).status == 200
            ringd.wait_for("the call", lambda: d.get("/api/calls", t.key).json["data"])
            assert "the configuration is not in the audit log" in d.text()
        finally:
            assert d.stop() == 0
            c.rollback()
