"""The reads: shape, filters, pages, cursors, keys."""
import uuid

import pytest

import ringd
from ringd import drained, jwt, ringctl, wait_for


@pytest.fixture(scope="module")
def tenant(daemon, pg, db):
    """240 calls by SQL as the owner, spread over every filter; 20 of them live."""
    t = ringd.Tenant(pg.dsn(daemon.database), "Reads")
    with db.cursor() as c:
        c.execute("""
            INSERT INTO calls (app_id, id, provider, provider_call_id, dialpad_call_id, direction, from_number, to_number, status,
                outcome, started_at, agent_id, agent_email, has_recording)
            SELECT %s, gen_random_uuid(), 'dialpad', i::text, i, CASE WHEN i %% 3 = 0 THEN 'outbound' ELSE 'inbound' END,
                '+1555000' || lpad((i %% 7)::text, 4, '0'), '+1555999' || lpad((i %% 5)::text, 4, '0'),
                CASE WHEN i > 230 THEN 'ringing' WHEN i > 220 THEN 'active' ELSE 'ended' END,
                CASE WHEN i <= 220 THEN 'answered' END, timestamptz '2026-01-01 00:00:00+00' + i * interval '1 minute',
                'agent-' || i %% 4, 'Agent' || i %% 4 || '@Example.com', i %% 6 = 0
            FROM generate_series(1, 240) i""", (t.id,))
    return t


def pages(daemon, t, query, limit):
    out, cursor, totals = [], None, set()
    for _ in range(300):
        path = f"/api/calls?limit={limit}&{query}" + (f"&cursor={cursor}" if cursor else "")
        a = daemon.get(path, t.key)
        assert a.status == 200, a
        out += a.json["data"]
        p = a.json["pagination"]
        totals.add(p["total"])
        if not p["has_more"]:
            return out, totals
        cursor = p["next_cursor"]
    raise AssertionError("the cursor never ends")


def test_envelope_of_the_seeds(daemon, tenant):
    a = daemon.get("/api/calls/active?limit=3", tenant.key)
    assert a.status == 200 and a.headers["content-type"] == "application/json"
    assert list(a.json) == ["success", "data", "pagination"] and a.json["success"] is True
    p = a.json["pagination"]
    assert (p["limit"], p["offset"], p["total"], p["has_more"]) == (3, 0, 20, True)
    call = a.json["data"][0]
    assert isinstance(call["dialpad_call_id"], int) and call["dialpad_call_id"] == 240
    assert call["started_at"] == "2026-01-01T04:00:00.000Z" and call["status"] == "ringing"
    assert uuid.UUID(call["id"])


def test_default_limit_and_order(daemon, tenant):
    a = daemon.get("/api/calls", tenant.key).json
    assert len(a["data"]) == 50 and a["pagination"]["total"] == 240
    times = [c["started_at"] for c in a["data"]]
    assert times == sorted(times, reverse=True)


@pytest.mark.parametrize("query,keep", [
    ("", lambda i: True),
    ("status=ended", lambda i: i <= 220),
    ("status=ringing", lambda i: i > 230),
    ("direction=outbound", lambda i: i % 3 == 0),
    ("phone_number=%2B15550000003", lambda i: i % 7 == 3),
    ("phone_number=%2B1%20(555)%20999-0002", lambda i: i % 5 == 2),
    ("phone_number=15559990002", lambda i: i % 5 == 2),
    ("phone_number=+15559990002", lambda i: i % 5 == 2),
    ("agent=agent-2", lambda i: i % 4 == 2),
    ("agent=AGENT1@example.COM", lambda i: i % 4 == 1),
    ("has_recording=true", lambda i: i % 6 == 0),
    ("has_recording=false", lambda i: i % 6 != 0),
    ("from=2026-01-01T01:00:00Z&to=2026-01-01T02:00:00%2B00:00", lambda i: 60 <= i < 120),
    ("direction=inbound&status=ended&agent=agent-1&has_recording=false", lambda i: i % 3 and i <= 220 and i % 4 == 1 and i % 6),
    ("phone_number=%2B15550000003&direction=outbound&status=ended", lambda i: i % 7 == 3 and i % 3 == 0 and i <= 220),
])
@pytest.mark.parametrize("limit", [1 << 3, 200])
def test_filters_and_cursor_walk(daemon, tenant, query, keep, limit):
    want = [i for i in range(240, 0, -1) if keep(i)]
    got, totals = pages(daemon, tenant, query, limit)
    assert [c["dialpad_call_id"] for c in got] == want
    assert totals == {len(want)}


def test_offset_pages(daemon, tenant):
    seen = []
    for offset in range(0, 240, 60):
        seen += [c["dialpad_call_id"] for c in daemon.get(f"/api/calls?limit=60&offset={offset}", tenant.key).json["data"]]
    assert seen == list(range(240, 0, -1))
    past = daemon.get("/api/calls?offset=1000", tenant.key).json
    assert past["data"] == [] and past["pagination"]["total"] == 240 and past["pagination"]["has_more"] is False


@pytest.mark.parametrize("query,code", [
    ("limit=0", "invalid_limit"), ("limit=201", "invalid_limit"), ("limit=abc", "invalid_limit"), ("limit=-1", "invalid_limit"),
    ("offset=10001", "invalid_offset"), ("offset=-1", "invalid_offset"), ("status=dead", "invalid_parameter"),
    ("direction=up", "invalid_parameter"), ("has_recording=1", "invalid_parameter"), ("from=yesterday", "invalid_parameter"),
    ("app_id=" + "0" * 36, "unknown_parameter"), ("x=1", "unknown_parameter"), ("limit=5&limit=6", "invalid_parameter"),
    ("cursor=AAAA", "invalid_cursor"), ("phone_number=", "invalid_parameter"), ("a=%zz", "malformed_query"),
    ("phone_number=%00", "malformed_query"), ("agent=%ff", "invalid_parameter"), ("phone_number=%c3%28", "invalid_parameter"), ("agent=" + "x" * 300, "invalid_parameter"),
])
def test_wrong_parameters_are_named(daemon, tenant, query, code):
    a = daemon.get(f"/api/calls?{query}", tenant.key)
    assert a.status == 400 and a.json["code"] == code, a
    assert a.json["success"] is False and a.json["error"]


def test_offset_error_names_cursor(daemon, tenant):
    assert "cursor" in daemon.get("/api/calls?offset=10001", tenant.key).json["error"]


def test_cursor_is_bound_to_tenant_and_filters(daemon, pg, tenant, acme):
    cursor = daemon.get("/api/calls?limit=5&status=ended", tenant.key).json["pagination"]["next_cursor"]
    assert daemon.get(f"/api/calls?limit=9&status=ended&cursor={cursor}", tenant.key).status == 200
    assert daemon.get(f"/api/calls?limit=5&cursor={cursor}", tenant.key).status == 400
    assert daemon.get(f"/api/calls?limit=5&status=ended&cursor={cursor}", acme.key).status == 400
    for i in range(0, len(cursor), 7):
        broken = cursor[:i] + ("A" if cursor[i] != "A" else "B") + cursor[i + 1:]
        assert daemon.get(f"/api/calls?limit=5&status=ended&cursor={broken}", tenant.key).status == 400


def test_one_call(daemon, tenant, acme):
    listed = daemon.get("/api/calls?limit=1", tenant.key).json["data"][0]
    one = daemon.get(f"/api/calls/{listed['id']}", tenant.key)
    assert one.status == 200 and one.json["data"]["id"] == listed["id"] and one.json["data"]["recordings"] == []
    unknown = daemon.get(f"/api/calls/{uuid.uuid4()}", tenant.key)
    foreign = daemon.get(f"/api/calls/{listed['id']}", acme.key)
    silly = daemon.get("/api/calls/123", tenant.key)
    for a in (unknown, foreign, silly):
        assert a.status == 404
        assert {k: v for k, v in a.json.items() if k != "request_id"} == {
            "success": False, "error": "Call not found", "code": "call_not_found"}


def test_words_of_the_seeds_for_keys(daemon, pg, tenant):
    for path in ("/api/calls", "/api/calls/active", f"/api/calls/{uuid.uuid4()}"):
        a = daemon.get(path)
        assert (a.status, a.json["error"]) == (401, "Missing x-app-api-key header")
        for bad in ("app_a1b2c3d4e5f6g7h8i9j0k1l2", tenant.key[:-1] + "!", tenant.key + "0", "", "x" * 5000,
                    tenant.key[:-1] + ("0" if tenant.key[-1] != "0" else "1")):
            a = daemon.get(path, bad or None, **({} if bad else {"x-app-api-key": ""}))
            assert (a.status, a.json["error"]) == (401, "Invalid API key"), (path, bad, a)


def test_two_keys_in_one_request_are_none(daemon, tenant, acme):
    got = ringd.raw(daemon.port, (f"GET /api/calls HTTP/1.1\r\nHost: x\r\nx-app-api-key: {tenant.key}\r\nX-App-Api-Key: {acme.key}\r\n"
                                  "Connection: close\r\n\r\n").encode())
    assert got.startswith(b"HTTP/1.1 401")


def test_well_formed_key_that_nobody_has(daemon, pg, new_database):
    stranger = ringctl("app", "create", "Elsewhere", database=pg.dsn(new_database()))
    assert daemon.get("/api/calls", stranger["api_key"]).json["error"] == "Invalid API key"


def test_two_keys_live_and_one_is_revoked_at_once(daemon, pg, tenant):
    dsn = pg.dsn(daemon.database)
    second = ringctl("key", "create", tenant.id, database=dsn)
    key = second.get("api_key") or second.get("key")
    assert daemon.get("/api/calls", key).status == 200 and daemon.get("/api/calls", tenant.key).status == 200
    ringctl("key", "revoke", tenant.id, second["id"], database=dsn)
    for _ in range(10):         # every worker, at the very next request
        a = daemon.get("/api/calls", key)
        assert (a.status, a.json["error"]) == (401, "Invalid API key")
    assert daemon.get("/api/calls", tenant.key).status == 200


def test_inactive_app(daemon, pg, acme):
    dsn = pg.dsn(daemon.database)
    ringctl("app", "disable", acme.id, database=dsn)
    a = daemon.get("/api/calls", acme.key)
    assert (a.status, a.json["error"]) == (403, "App is inactive")
    ringctl("app", "enable", acme.id, database=dsn)
    assert daemon.get("/api/calls", acme.key).status == 200


def test_problem_json_when_asked_for(daemon):
    a = daemon.get("/api/calls", accept="text/html, application/problem+json;q=0.9")
    assert a.headers["content-type"] == "application/problem+json"
    assert a.json["status"] == 401 and a.json["detail"] == "Missing x-app-api-key header" and a.json["title"]


def test_total_is_capped(daemon, pg, db):
    t = ringd.Tenant(pg.dsn(daemon.database), "Big")
    with db.cursor() as c:
        c.execute("""INSERT INTO calls (app_id, id, provider, provider_call_id, status, started_at)
                     SELECT %s, gen_random_uuid(), 'dialpad', i::text, 'ended', timestamptz '2026-01-01' + i * interval '1 s'
                     FROM generate_series(1, 10050) i""", (t.id,))
    p = daemon.get("/api/calls?limit=10", t.key).json["pagination"]
    assert p["total"] == 10000 and p["total_capped"] is True and p["has_more"] is True
    assert "total_capped" not in daemon.get("/api/calls/active", t.key).json["pagination"]


def test_request_id_goes_in_out_and_into_the_log(daemon, tenant):
    a = daemon.get("/api/calls?limit=1", tenant.key, x_request_id="my-own.id_7")
    assert a.headers["x-request-id"] == "my-own.id_7"
    wait_for("the id in the log", lambda: "my-own.id_7" in daemon.text(), 5)
    bad = daemon.get("/api/calls?limit=1", tenant.key, x_request_id="a b;c")
    assert bad.headers["x-request-id"] not in ("", "a b;c")
    lost = daemon.get("/nowhere", x_request_id="r1")
    assert lost.json["request_id"] == lost.headers["x-request-id"] == "r1"


def test_no_secret_in_the_log(daemon, db, tenant, acme):
    daemon.post(acme.path, jwt({"call_id": 1, "state": "ringing"}, acme.secret))
    drained(db)
    text = daemon.text()
    for secret in (tenant.key, acme.key, acme.secret, acme.path.rsplit("/", 1)[1]):
        assert secret not in text, "a secret stands in the log"


def test_methods_and_paths(daemon, tenant):
    a = ringd.request(daemon.port, "DELETE", "/api/calls", {"x-app-api-key": tenant.key})
    assert a.status == 405 and "GET" in a.headers["allow"] and a.json["code"]
    assert daemon.get("/").status == 404 and daemon.get("/api/calls/").status == 404
    assert daemon.get("/health/live").status == 404, "health belongs to the admin listener"
    head = ringd.request(daemon.port, "HEAD", "/api/calls?limit=1", {"x-app-api-key": tenant.key})
    assert head.status == 200 and head.body == b"" and int(head.headers["content-length"]) > 100
