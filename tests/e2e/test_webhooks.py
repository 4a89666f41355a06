"""Deliveries: both dialects, every way to sign, what is refused and what must never be."""
import concurrent.futures
import json

import pytest

from ringd import call_event, jwt, ringctl, seed_signature, wait_for

SEED_BODY = json.dumps({"event_type": "call.ring", "call": {"id": 77001, "direction": "inbound", "from": "+15551234567",
                                                             "to": "+15559876543", "started_at": "2026-01-27T10:30:00.000Z"}})


def stored(db, tenant):
    with db.cursor() as c:
        c.execute("SELECT count(*) FROM webhook_events WHERE app_id = %s", (tenant.id,))
        return c.fetchone()[0]


def row(db, event_id):
    with db.cursor() as c:
        c.execute("SELECT app_id::text, event_type, is_call, secret_used, payload::text, leg_id FROM webhook_events WHERE id = %s",
                  (event_id,))
        return c.fetchone()


def test_jwt_is_stored_byte_for_byte_before_the_answer(daemon, db, acme):
    payload = '{ "call_id": 5031100220039001,  "state":"ringing", "event_timestamp":1790000000910, "x":1.50e0, "y":"\\u0000\\ud800" }'
    a = daemon.post(acme.path, jwt(payload, acme.secret))
    assert a.status == 200 and a.json["success"] is True
    app, kind, is_call, used, kept, leg = row(db, a.json["data"]["event_id"])
    assert (app, kind, is_call, used, leg) == (acme.id, "dialpad.ringing", True, "current", "5031100220039001")
    assert kept == payload


@pytest.mark.parametrize("encoding", ["hex", "sha256", "base64"])
def test_seed_dialect(daemon, db, acme, encoding):
    body = SEED_BODY.replace("77001", {"hex": "77001", "sha256": "77002", "base64": "77003"}[encoding])
    a = daemon.post(acme.path, body, {"x-dialpad-signature": seed_signature(body, acme.secret, encoding)})
    assert a.status == 200, a
    assert row(db, a.json["data"]["event_id"])[1] == "call.ring"


def test_duplicate_is_200_and_no_second_row(daemon, db, acme):
    body = jwt(call_event(5031100220039002), acme.secret)
    first, before = daemon.post(acme.path, body), stored(db, acme)
    second = daemon.post(acme.path, body)
    assert (first.status, second.status) == (200, 200)
    assert first.json["data"]["duplicate"] is False and second.json["data"]["duplicate"] is True
    assert stored(db, acme) == before


def test_many_copies_at_once_on_all_workers_store_one(daemon, db, acme):
    before = stored(db, acme)
    bodies = [jwt(call_event(5031100220040000 + i, ts=1790000000000 + i), acme.secret) for i in range(40)] * 6
    with concurrent.futures.ThreadPoolExecutor(24) as pool:
        answers = list(pool.map(lambda b: daemon.post(acme.path, b), bodies))
    assert {a.status for a in answers} == {200}
    assert sum(a.json["data"]["duplicate"] is False for a in answers) == 40
    assert stored(db, acme) == before + 40


@pytest.mark.parametrize("body,headers", [
    (jwt(call_event(1), "wrong secret"), {}),
    (jwt(call_event(1), "x", {"alg": "none"}).rsplit(".", 1)[0] + ".e30", {}),
    (SEED_BODY, {}),
    (SEED_BODY, {"x-dialpad-signature": seed_signature(SEED_BODY, "wrong")}),
    (SEED_BODY, {"x-dialpad-signature": "zz"}),
    (SEED_BODY, {"x-dialpad-signature": ""}),
    (jwt(call_event(1), ""), {}),
], ids=["wrong-secret", "alg-none", "seed-unsigned", "seed-wrong", "seed-no-hex", "seed-empty", "empty-secret"])
def test_bad_signature_is_401_and_stores_nothing(daemon, db, acme, body, headers):
    before = stored(db, acme)
    a = daemon.post(acme.path, body, headers)
    assert a.status == 401, a
    assert a.json["success"] is False and a.json["request_id"]
    assert stored(db, acme) == before


def test_bare_secret_in_the_header_is_no_signature(daemon, acme):
    assert daemon.post(acme.path, SEED_BODY, {"x-dialpad-signature": acme.secret}).status == 401


@pytest.mark.parametrize("payload", [
    "", "{", '{"a":1,}', "{'a':1}", '{"a":01}', '{"a":NaN}', '{"a":"\t"}', '{"a" "b"}', "[1 2]", '{"a":tru}', '{"a":"\\x"}', "{}{}",
    '{"a":.5}', '{"a":+1}', '\ufeff{}', '{"a":1}\x00', "[" * 65 + "]" * 65,
])
def test_bad_json_with_a_good_signature_is_400(daemon, acme, payload):
    a = daemon.post(acme.path, jwt(payload, acme.secret)) if payload else daemon.post(acme.path, b"")
    assert a.status == 400, a


@pytest.mark.parametrize("payload", [
    '{"call_id":5031100220039100,"state":"ringing","note":"\\u0000"}',
    '{"call_id":5031100220039101,"state":"ringing","note":"\\ud800 \\udc00\\ud800"}',
    '{"call_id":5031100220039102,"state":"ringing","big":123456789012345678901234567890e400}',
    '{"call_id":"5031100220039103","state":"ringing"}',
    '{"id":1,"text":"hello","from_number":"+1","to_number":["+2"],"message_status":"success"}',
    '{"state":"something_new","call_id":5031100220039104}',
    '[1,2,3]', '"text"', '12', 'null', '{}', ' {"a":{"b":[{}]}} ', '{"call_id":5031100220039105,"state":"recap_summary"}',
    '{"call_id":0,"state":"ringing"}', '{"call_id":1e3,"state":7}',
])
def test_every_well_formed_json_is_taken(daemon, db, acme, payload):
    a = daemon.post(acme.path, jwt(payload, acme.secret))
    assert a.status == 200, a
    if not a.json["data"]["duplicate"]:
        assert row(db, a.json["data"]["event_id"])[4] == payload


def test_ids_above_2_53_keep_their_digits(daemon, db, acme):
    a = daemon.post(acme.path, jwt('{"call_id":9223372036854775807,"state":"ringing","event_timestamp":1790000000001}', acme.secret))
    assert row(db, a.json["data"]["event_id"])[5] == "9223372036854775807"


def test_unknown_hook_is_404_and_a_new_one_works_at_once(daemon, pg, acme):
    assert daemon.post("/webhooks/dialpad/nonsense", "{}").status == 404
    made = ringctl("hook", "create", acme.id, database=pg.dsn(daemon.database))
    path = made["url"][made["url"].index("/webhooks"):]
    assert daemon.post(path, jwt(call_event(5031100220039200), made["secret"])).status == 200
    changed = path[:-1] + ("a" if path[-1] != "a" else "b")
    assert daemon.post(changed, jwt(call_event(5031100220039201), made["secret"])).status == 404


def test_rotation_keeps_the_previous_secret(daemon, db, pg, acme):
    made = ringctl("hook", "create", acme.id, database=pg.dsn(daemon.database))
    path = made["url"][made["url"].index("/webhooks"):]
    fresh = ringctl("hook", "rotate", acme.id, made["id"], database=pg.dsn(daemon.database))
    new = daemon.post(path, jwt(call_event(5031100220039300), fresh["secret"]))
    old = daemon.post(path, jwt(call_event(5031100220039301), made["secret"]))
    assert (new.status, old.status) == (200, 200)
    assert row(db, new.json["data"]["event_id"])[3] == "current"
    assert row(db, old.json["data"]["event_id"])[3] == "previous"
    last = ringctl("hook", "rotate", acme.id, made["id"], database=pg.dsn(daemon.database))
    assert daemon.post(path, jwt(call_event(5031100220039302), last["secret"])).status == 200
    wait_for("the first secret to be dead",
             lambda: daemon.post(path, jwt(call_event(5031100220039303), made["secret"])).status == 401, 10)


def test_without_token_the_secret_decides(daemon, db, acme, globex):
    for tenant, call in ((acme, 5031100220039400), (globex, 5031100220039401)):
        a = daemon.post("/webhooks/dialpad", jwt(call_event(call), tenant.secret))
        assert a.status == 200
        assert row(db, a.json["data"]["event_id"])[0] == tenant.id
    # A key in the header cannot lead another tenant's verified delivery astray.
    a = daemon.post("/webhooks/dialpad", jwt(call_event(5031100220039402), acme.secret), {"x-app-api-key": globex.key})
    assert row(db, a.json["data"]["event_id"])[0] == acme.id
    assert daemon.post("/webhooks/dialpad", jwt(call_event(5031100220039403), "nobody")).status == 401


def test_foreign_secret_does_not_open_a_hook(daemon, acme, globex):
    assert daemon.post(acme.path, jwt(call_event(5031100220039500), globex.secret)).status == 401


def test_framing_and_encoding_of_a_delivery(daemon, acme):
    body = jwt(call_event(5031100220039600), acme.secret)
    assert daemon.post(acme.path, body, {"Content-Encoding": "gzip"}).status == 415
    assert daemon.get(acme.path).status == 405
    big = jwt('{"a":"' + "x" * (1 << 20) + '"}', acme.secret)
    assert daemon.post(acme.path, big).status == 413
    for kind in ("application/jwt", "text/plain", "application/json; charset=utf-8", "x"):
        assert daemon.post(acme.path, body, {"Content-Type": kind}).status == 200


def test_a_row_the_database_refuses_stands_alone(daemon, db, pg, acme):
    """A batch with one bad row is halved until it stands alone: 500 for it, 200 for all others, and the worker lives."""
    pids = sorted(daemon.pids("worker"))
    db.cursor().execute("ALTER TABLE webhook_events ADD CONSTRAINT refused CHECK (leg_id IS DISTINCT FROM '666666')")
    try:
        bodies = [jwt(call_event(666666 if n % 40 == 7 else 5031100220070000 + n), acme.secret) for n in range(240)]
        with concurrent.futures.ThreadPoolExecutor(48) as pool:
            answers = list(pool.map(lambda b: daemon.post(acme.path, b).status, bodies))
    finally:
        db.cursor().execute("ALTER TABLE webhook_events DROP CONSTRAINT refused")
    assert answers.count(500) == 6 and answers.count(200) == 234, {s: answers.count(s) for s in set(answers)}
    assert [n for n, s in enumerate(answers) if s == 500] == [n for n in range(240) if n % 40 == 7]
    assert sorted(daemon.pids("worker")) == pids


def test_a_transcription_of_escapes_is_stored(daemon, db, acme):
    text = "\\u0001" * 60000
    a = daemon.post(acme.path, jwt('{"call_id":5031100220071000,"state":"transcription","transcription_text":"' + text + '"}', acme.secret))
    assert a.status == 200, a


def test_deliveries_as_large_as_the_configuration_allows(new_daemon, pg):
    """A body of 12 MB in either dialect, and one of half a million values: taken where the limits say so, not put off for ever."""
    import ringd
    d = new_daemon(workers=1, http={"body_bytes": "16M", "body_memory": "64M"}, json={"tokens": "1048576"},
                   webhooks={"queue_bytes": "64M"}, database_keys={"statement_timeout": "20s", "job_timeout": "30s"}).start()
    t = ringd.Tenant(pg.dsn(d.database), "Large")
    large = '{"call_id":1,"state":"transcription","transcription_text":"' + "x" * 11_000_000 + '"}'
    many = "[" + "1," * 520_000 + "1]"
    for text in (large, many):
        assert d.post(t.path, jwt(text, t.secret)).status == 200
        assert d.post(t.path, text + " ", {"x-dialpad-signature": seed_signature(text + " ", t.secret)}).status == 200
    assert d.stop() == 0


@pytest.mark.parametrize("trials,stranger", [(0, 401), (1, 503), (1000, 401)])
def test_how_many_secrets_are_tried(new_daemon, pg, trials, stranger):
    """Without a token: nobody's delivery is 401 only when every secret that may be tried was."""
    import ringd
    d = new_daemon(webhooks={"secret_trials": str(trials)}).start()
    tenants = [ringd.Tenant(pg.dsn(d.database), f"T{n}") for n in range(3)]
    wait_for("the hooks to be known", lambda: d.post(tenants[2].path, jwt(call_event(1), tenants[2].secret)).status == 200, 10)
    assert d.post("/webhooks/dialpad", jwt(call_event(2), "nobody")).status == stranger
    assert d.stop() == 0


class TestGlobalSecret:
    """The seeds' one secret for all: routed by header key, then by the company in the body, else kept without a tenant."""

    @pytest.fixture(scope="class")
    def other(self, new_daemon, pg):
        import ringd
        d = new_daemon(webhooks={"dialpad": {"secret": "the-global-secret-1", "previous_secret": "the-global-secret-0"}}).start()
        d.tenant = ringd.Tenant(pg.dsn(d.database), "Acme")
        made = ringctl("hook", "create", d.tenant.id, "--org-id", "4242", database=pg.dsn(d.database))
        assert made["id"]
        yield d
        assert d.stop() == 0

    def routed(self, pg, d, body, headers=None):
        a = d.post("/webhooks/dialpad", body, headers)
        assert a.status == 200, a
        with pg.connect(d.database) as c, c.cursor() as cursor:
            return row(c, a.json["data"]["event_id"])

    def test_header_key(self, pg, other):
        r = self.routed(pg, other, jwt(call_event(600), "the-global-secret-1"), {"x-app-api-key": other.tenant.key})
        assert (r[0], r[3]) == (other.tenant.id, "global")

    def test_company_in_the_body(self, pg, other):
        r = self.routed(pg, other, jwt(call_event(601, dialpad_org_id=4242), "the-global-secret-0"))
        assert (r[0], r[3]) == (other.tenant.id, "global_previous")

    def test_nobody(self, pg, other):
        r = self.routed(pg, other, jwt(call_event(602), "the-global-secret-1"))
        assert r[0] == "00000000-0000-0000-0000-000000000000"
        assert "unrouted" in other.text()

    def test_hook_address_takes_it_too(self, other):
        assert other.post(other.tenant.path, jwt(call_event(603), "the-global-secret-1")).status == 200
