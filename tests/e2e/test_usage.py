"""What clients used in a month: the same numbers by API, as text, JSON and CSV, for this tenant and no other, ready for a bill."""
import csv
import io
import json
import subprocess
import uuid

import pytest

import ribbon
import ringd
from dialpad_sim import key_ring
from ringd import BIN, ringctl

MONTH, BEFORE = "2026-10", "2026-09"


def sql(c, text, *args):
    with c.cursor() as q:
        q.execute(text, args)
        return q.fetchall() if q.description else q.rowcount


class Client:
    """A browser key, as the database has it."""
    made = 0

    def __init__(self, db, app, note, limit=None, created="2026-01-01", revoked=None):
        Client.made += 1
        self.db, self.app, self.id = db, app, f"0190bbbb-0000-7000-8000-{Client.made:012x}"
        sql(db, "INSERT INTO api_keys (app_id, id, key_hash, kind, scopes, prefix, last4, note, monthly_limit, created_at, revoked_at) "
            "VALUES (%s, %s, sha256(%s), 'browser', 'ribbon', 'web_abcd', 'wxyz', %s, %s, %s, %s)",
            app, self.id, self.id, note, limit, created, revoked)

    def used(self, month, used, refused=0):
        sql(self.db, "INSERT INTO usage (app_id, key_id, month, used, refused, updated_at) VALUES (%s, %s, %s, %s, %s, now())",
            self.app, self.id, month, used, refused)
        return self


@pytest.fixture(scope="module")
def dsn(pg, daemon):
    return pg.dsn(daemon.database)


@pytest.fixture(scope="module")
def app(pg, daemon, db, acme, globex):
    acme.clients = {
        "web": Client(db, acme.id, "Web shop", 10000).used(MONTH, 9999, 3).used(BEFORE, 12),
        "idle": Client(db, acme.id, "Idle"),
        "nameless": Client(db, acme.id, None, 0).used(MONTH, 0, 7),
        "gone before": Client(db, acme.id, "Gone before", revoked="2026-09-30T23:59:59.999Z"),
        "gone within": Client(db, acme.id, "Gone within", revoked="2026-10-01T00:00:00Z"),
        "made within": Client(db, acme.id, "Made within", created="2026-10-31T23:59:59.999Z"),
        "made after": Client(db, acme.id, "Made after", created="2026-11-01T00:00:00Z"),
        "used after its end": Client(db, acme.id, "Used", revoked="2026-09-01").used(MONTH, 1),
    }
    Client(db, globex.id, "Not Acme's", 5).used(MONTH, 5)
    return acme


EXPECTED = [("Web shop", 9999, 10000, 3), ("Idle", 0, None, 0), ("web_abcd...wxyz", 0, 0, 7), ("Gone within", 0, None, 0),
            ("Made within", 0, None, 0), ("Used", 1, None, 0)]


def test_by_server_key(daemon, app):
    a = daemon.get(f"/api/ribbon/usage?month={MONTH}", app.key)
    assert a.status == 200 and a.json["success"] is True and a.json["data"]["month"] == MONTH
    clients = a.json["data"]["clients"]
    assert [(c["name"], c["used"], c["limit"], c["refused"]) for c in clients] == EXPECTED
    assert clients[0]["key_id"] == app.clients["web"].id and set(clients[0]) == {"key_id", "name", "used", "limit", "refused"}
    before = daemon.get(f"/api/ribbon/usage?month={BEFORE}", app.key).json["data"]["clients"]
    assert [(c["name"], c["used"]) for c in before if c["used"]] == [("Web shop", 12)]
    assert {"Gone before"} < {c["name"] for c in before}


def test_without_a_month_it_is_this_one(daemon, app, db):
    [(now,)] = sql(db, "SELECT to_char(now() AT TIME ZONE 'UTC', 'YYYY-MM')")
    a = daemon.get("/api/ribbon/usage", app.key)
    assert a.json["data"]["month"] == now and all(c["used"] == 0 for c in a.json["data"]["clients"])


def test_an_app_without_clients(daemon, pg, dsn):
    lonely = ringctl("app", "create", "Lonely", database=dsn)
    assert daemon.get("/api/ribbon/usage?month=2026-10", lonely["api_key"]).json["data"] == {"month": "2026-10", "clients": []}


@pytest.mark.parametrize("query, code", [
    ("month=2026-13", "invalid_parameter"), ("month=", "invalid_parameter"), ("month=2026-10&month=2026-10", "invalid_parameter"),
    ("month=2026-1%30%00", "malformed_query"), ("month=%ff%ff%ff%ff%ff%ff%ff", "invalid_parameter"), ("months=2026-10", "unknown_parameter"),
    ("month=2026-10&app=x", "unknown_parameter"), ("month=%zz", "malformed_query"), ("month=2026-10'--", "invalid_parameter"),
])
def test_what_is_asked_wrongly(daemon, app, query, code):
    a = daemon.get("/api/ribbon/usage?" + query, app.key)
    assert (a.status, a.json["code"]) == (400, code), a
    stranger = daemon.get("/api/ribbon/usage?" + query, app.key[:-1] + ("A" if app.key[-1] != "A" else "B"))
    assert (stranger.status, stranger.json["code"]) == (401, "invalid_api_key")


def test_who_may_ask(daemon, app, dsn):
    assert daemon.get("/api/ribbon/usage").json["code"] == "missing_api_key"
    dial = ringctl("key", "create", app.id, "--scopes", "dial", database=dsn)["api_key"]
    assert (daemon.get("/api/ribbon/usage", dial).status, daemon.get("/api/ribbon/usage", dial).json["code"]) == (403, "missing_scope")
    assert ringd.request(daemon.port, "POST", "/api/ribbon/usage", {"x-app-api-key": app.key}).status == 405


def test_more_clients_than_fit(daemon, db, dsn):
    big = ringctl("app", "create", "Big", database=dsn)

    def add(first, last):
        sql(db, "INSERT INTO api_keys (app_id, id, key_hash, kind, scopes, prefix, last4) SELECT %s, gen_random_uuid(), sha256(n::text::bytea), "
            "'browser', 'ribbon', 'web_0000', '0000' FROM generate_series(%s, %s) n", big["id"], first, last)
    add(1, 5000)
    assert len(daemon.get("/api/ribbon/usage", big["api_key"]).json["data"]["clients"]) == 5000
    add(5001, 5001)
    a = daemon.get("/api/ribbon/usage", big["api_key"])
    assert (a.status, a.json["code"]) == (422, "answer_too_large")
    sql(db, "DELETE FROM api_keys WHERE app_id = %s AND kind = 'browser'", big["id"])


def run(dsn, *args):
    return subprocess.run([str(BIN / "ringctl"), "--database", dsn, "usage", *args], capture_output=True, timeout=60)


def test_ringctl_shows_the_same(app, dsn):
    rows = ringctl("usage", app.id, "--month", MONTH, database=dsn)
    assert sorted((r["client"], r["used"], r["limit"], r["refused"]) for r in rows) == sorted(EXPECTED, key=lambda e: e[0])
    assert {r["app"] for r in rows} == {"Acme"} and {r["month"] for r in rows} == {MONTH} and {r["app_id"] for r in rows} == {app.id}
    text = run(dsn, app.id, "--month", MONTH).stdout.decode()
    assert "Web shop" in text and "9999" in text
    everybody = ringctl("usage", "--month", MONTH, database=dsn)
    assert {r["app"] for r in everybody} >= {"Acme", "Globex"} and len(everybody) > len(rows)


def test_csv_is_fit_for_a_bill(app, dsn):
    done = run(dsn, app.id, "--month", MONTH, "--csv")
    assert done.returncode == 0 and done.stdout.endswith(b"\r\n") and b"\n" not in done.stdout.replace(b"\r\n", b"")
    rows = list(csv.reader(io.StringIO(done.stdout.decode(), newline="")))
    assert rows[0] == ["month", "app_id", "app", "key_id", "client", "used", "refused", "limit"]
    assert [MONTH, app.id, "Acme", app.clients["web"].id, "Web shop", "9999", "3", "10000"] in rows
    assert [r[7] for r in rows if r[4] == "Idle"] == [""]
    assert len(rows) == 1 + len(EXPECTED) and sum(int(r[5]) for r in rows[1:]) == 10000


def test_no_clients_is_still_a_header(dsn):
    lonely = ringctl("app", "create", "Alone", database=dsn)
    assert run(dsn, lonely["id"], "--csv").stdout == b"month,app_id,app,key_id,client,used,refused,limit\r\n"


@pytest.mark.parametrize("name, cell", [
    ("=HYPERLINK(\"http://evil.example\";\"x\")", "\"'=HYPERLINK(\"\"http://evil.example\"\";\"\"x\"\")\""),
    ("+1", "\"'+1\""), ("-1", "\"'-1\""), ("@SUM(A1)", "\"'@SUM(A1)\""), ("\t=1", "\"'\t=1\""), ("\r=1", "\"'\r=1\""),
    ("＝1", "\"'＝1\""), ("＋1", "\"'＋1\""), ("－1", "\"'－1\""), ("＠SUM(A1)", "\"'＠SUM(A1)\""), ("１", "１"),
    ("a,b", "\"a,b\""), ("a\"b", "\"a\"\"b\""), ("a\r\nb", "\"a\r\nb\""), ("Zoë = ✓", "Zoë = ✓"), (" lead", " lead"), ("", ""),
])
def test_names_that_a_spreadsheet_might_compute(db, dsn, name, cell):
    made = ringctl("app", "create", "Names", database=dsn)
    key = Client(db, made["id"], name)
    line = run(dsn, made["id"], "--csv", "--month", MONTH).stdout.decode().split("\r\n", 1)[1]
    assert line == f"{MONTH},{made['id']},Names,{key.id},{cell},0,0,\r\n"
    [row] = csv.reader(io.StringIO(line, newline=""))
    assert row[4].lstrip("'") == name.lstrip("'")


@pytest.mark.parametrize("args, says", [(["--month", "2026"], "2026-11"), (["--month", "2026-13"], "2026-11"), (["--csv", "--json"], "two different")])
def test_ringctl_refuses(dsn, args, says):
    done = run(dsn, *args)
    assert done.returncode == 2 and says in done.stderr.decode()
    assert run(dsn, str(uuid.uuid4())).returncode == 3


@pytest.fixture(scope="module")
def crm(pg, new_daemon):
    d = new_daemon()
    d.write(courier={"key_file": str(key_ring(d.base))})
    d.start()
    yield ribbon.Crm(pg, d, "Ribbon", limit=7)
    assert d.stop() == 0


def test_by_session_a_page_learns_its_own(crm):
    other = crm.new_client("https://other.example")
    crm.sql("INSERT INTO usage (app_id, key_id, month, used, refused, updated_at) VALUES (%s, %s, %s, 5, 1, now()), (%s, %s, %s, 9, 0, now())",
            crm.id, crm.web_id, MONTH, crm.id, other["id"], MONTH)
    session = crm.session()
    a = session.get(f"usage?month={MONTH}")
    assert a.status == 200 and ribbon.allowed(a) == ribbon.ORIGIN and a.headers["vary"] == "Origin", a
    [client] = a.json["data"]["clients"]
    assert (client["key_id"], client["used"], client["limit"], client["refused"]) == (crm.web_id, 5, 7, 1)
    assert session.get("usage").json["data"]["clients"][0]["used"] == 0
    assert len(crm.d.get(f"/api/ribbon/usage?month={MONTH}", crm.key).json["data"]["clients"]) == 2


def test_by_session_what_is_wrong(crm):
    session = crm.session()
    ribbon.refused(session.get("usage?month=x"), 400, "invalid_parameter", ribbon.ORIGIN)
    ribbon.refused(session.get("usage", headers={"Origin": "https://evil.example"}), 403, "origin_not_allowed")
    ribbon.refused(session.get("usage", headers={"Authorization": "Bearer " + session.token[:-1] + "0"}), 401, "invalid_session", ribbon.ORIGIN)
    assert session.post("end").status == 200
    ribbon.refused(session.get("usage?month=x"), 401, "session_revoked", ribbon.ORIGIN)


def test_a_key_beside_another_authorization_is_a_key(crm):
    """A gateway's own header is none of our business."""
    a = crm.d.get("/api/ribbon/usage", crm.key, Authorization="Basic x")
    assert a.status == 200 and len(a.json["data"]["clients"]) >= 1


def test_a_preflight_is_answered(crm):
    a = ringd.request(crm.d.port, "OPTIONS", "/api/ribbon/usage", {"Origin": ribbon.ORIGIN, "Access-Control-Request-Method": "GET"})
    assert a.status == 204 and ribbon.allowed(a) == ribbon.ORIGIN, a


def test_what_is_done_with_clients_and_sessions_is_in_the_audit_log(crm):
    client = crm.new_client("https://a.example", "https://b.example", limit=5)
    crm.ctl("client", "change", crm.id, client["id"], "--monthly-limit", "none")
    crm.ctl("client", "revoke", crm.id, client["id"])
    session = crm.session()
    crm.ctl("session", "revoke", crm.id, session.id)
    rows = crm.audit("client.create", "client.change", "client.revoke", "session.revoke")[-4:]
    assert [(r[1], r[2]) for r in rows] == [("client.create", client["id"]), ("client.change", client["id"]), ("client.revoke", client["id"]),
                                            ("session.revoke", session.id)]
    assert json.loads(rows[0][3]) == {"origins": "https://a.example https://b.example", "monthly_limit": "5"}
    assert json.loads(rows[1][3]) == {"monthly_limit": "none"}
    assert client["api_key"] not in str(crm.audit()) and session.token not in str(crm.audit())


def test_refusals_at_the_door_are_counted(crm):
    before = len(crm.audit("ribbon.refused"))
    for _ in range(20):
        assert crm.init("nobody").status == 403
    ringd.wait_for("the first", lambda: len(crm.audit("ribbon.refused")) > before)
    assert len(crm.audit("ribbon.refused")) - before <= 2       # the first of each worker, the others later in one row
    assert json.loads(crm.audit("ribbon.refused")[-1][3])["code"] == "agent_unknown"
