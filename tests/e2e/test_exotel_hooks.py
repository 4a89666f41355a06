"""Exotel's callbacks: every form they come in, what they make of calls, and what is refused."""
import base64
import http.client
import os
import random
import signal
import threading
import time
import uuid

import pytest

import exotel_deliveries as exotel
import ringd
from ringd import drained


def one(db, sql, *args):
    with db.cursor() as c:
        c.execute(sql, args)
        return c.fetchone()[0]


@pytest.fixture(scope="module")
def hook(daemon, pg, acme):
    return exotel.Hook(daemon, pg, acme.id)


def calls(daemon, tenant, **query):
    text = "&".join(f"{k}={v}" for k, v in {"limit": 200, **query}.items())
    return {c["provider_call_id"]: c for c in daemon.get(f"/api/calls?{text}", tenant.key).json["data"]}


@pytest.fixture(scope="module")
def in_order(daemon, db, acme, hook):
    for s in exotel.SAMPLES:
        a = hook.send(s)
        assert a.status == 200 and a.json["data"]["duplicate"] is False, (s, a)
        drained(db)             # every event alone: the slowest, plainest way
    return calls(daemon, acme)


EXPECTED = {
    "0a1b2c3d4e5f60718293a4b5c6d7e8f9": ("outbound", "+918040001234", "+919812345678", "ended", "answered", 171000, "c:42"),
    "1b2c3d4e5f60718293a4b5c6d7e8f90a": ("outbound", "+918040001234", "+919812300000", "ended", "missed", 0, None),
    "2c3d4e5f60718293a4b5c6d7e8f90a1b": (None, None, None, "ended", "missed", 0, None),
    "3d4e5f60718293a4b5c6d7e8f90a1b2c": ("outbound", "+919800000001", "+919812345678", "ended", "missed", 0, None),
    "4e5f60718293a4b5c6d7e8f90a1b2c3d": ("inbound", "+919876543210", "+918040001234", "ended", "answered", 90000, None),
    "5f60718293a4b5c6d7e8f90a1b2c3d4e": ("inbound", "+919876500000", "+918040001234", "ended", "missed", 0, None),
    "60718293a4b5c6d7e8f90a1b2c3d4e5f": ("inbound", "+919876543210", "+918040001234", "ended", "voicemail", 0, None),
    "f00dcafe01": ("outbound", "+918040001234", "+919812345678", "ended", "answered", None, None),
    "718293a4b5c6d7e8f90a1b2c3d4e5f60": ("outbound", "+919800000001", "+442071838750", "ended", "missed", 0, None),
}


def test_the_samples_become_these_calls(in_order):
    got = {k: tuple(c[f] for f in ("direction", "from_number", "to_number", "status", "outcome", "talk_time_ms", "custom_data"))
           for k, c in in_order.items()}
    assert got == EXPECTED
    assert {c["provider"] for c in in_order.values()} == {"exotel"} and {c["dialpad_call_id"] for c in in_order.values()} == {None}


def test_the_agent_who_answered_is_shown_and_the_end_of_one_attempt_ends_no_call(in_order):
    c = in_order["4e5f60718293a4b5c6d7e8f90a1b2c3d"]
    assert (c["agent_id"], c["agent_email"]) == ("+919800000002", "ravi@acme.example")
    assert (c["started_at"], c["connected_at"]) == ("2026-01-05T07:30:00.000Z", "2026-01-05T07:30:33.000Z")
    assert c["recording_url"].endswith("4e5f.mp3") and c["provider_state"] == "completed"
    assert in_order["f00dcafe01"]["agent_id"] == "agent7"


def test_times_are_those_of_the_account_and_1970_is_none(in_order):
    c = in_order["0a1b2c3d4e5f60718293a4b5c6d7e8f9"]
    assert (c["started_at"], c["connected_at"], c["ended_at"]) == (
        "2026-01-05T04:30:00.000Z", "2026-01-05T04:30:17.000Z", "2026-01-05T04:33:08.000Z")
    assert in_order["5f60718293a4b5c6d7e8f90a1b2c3d4e"]["ended_at"] == "2026-01-05T08:30:15.000Z", "when it was told, not 1970"


@pytest.mark.parametrize("seed", range(4))
def test_doubled_and_shuffled_they_end_the_same(daemon, pg, db, in_order, seed):
    t = ringd.Tenant(pg.dsn(daemon.database), f"Exotel shuffled {seed}")
    h = exotel.Hook(daemon, pg, t.id)
    events = exotel.SAMPLES * 6
    random.Random(seed).shuffle(events)
    for i, s in enumerate(events):
        assert h.send(s).status == 200
        if seed % 2 and i % 9 == 0:
            drained(db)
    drained(db)
    own = ("id", "updated_at")
    assert ([{k: v for k, v in c.items() if k not in own} for _, c in sorted(calls(daemon, t).items())]
            == [{k: v for k, v in c.items() if k not in own} for _, c in sorted(in_order.items())])
    assert one(db, "SELECT count(*) FROM webhook_events WHERE app_id = %s", t.id) == len(exotel.SAMPLES)


def test_the_same_event_in_every_form_is_one(db, hook):
    fields = {"CallSid": "forms-1", "EventType": "answered", "Status": "in-progress", "From": "09800000001", "To": "09812345678",
              "Direction": "outbound-api", "DateUpdated": "2026-01-06 10:00:00", "CustomField": 'a "b" & c=d/é+%'}
    answers = [send(fields) for send in (hook.json, hook.form, hook.multipart)]
    assert [a.status for a in answers] == [200] * 3
    assert [a.json["data"]["duplicate"] for a in answers] == [False, True, True]
    # A repetition with another clock is one; what says more is none.
    assert hook.json({**fields, "DateUpdated": "2026-01-06 10:00:09"}).json["data"]["duplicate"] is True
    assert hook.json({**fields, "Status": "completed"}).json["data"]["duplicate"] is False
    assert hook.json({**fields, "RecordingUrl": "https://r.example/1.mp3"}).json["data"]["duplicate"] is False


def test_what_is_kept_is_exact(db, hook):
    a = hook.form("CallSid=exact-1&Legs%5B0%5D%5BStatus%5D=busy&a=1&a=2&empty=&bare&plus=a+b&odd=%zz%&z=%00&bad=%ff&=x&u=%C3%A9%22%5C")
    kept = one(db, "SELECT payload::text FROM webhook_events WHERE id = %s", a.json["data"]["event_id"])
    assert kept == ('{"CallSid":"exact-1","Legs[0][Status]":"busy","a":"1","a":"2","empty":"","bare":"","plus":"a b","odd":"%zz%",'
                    '"z":"\\u0000","bad":"\ufffd","":"x","u":"é\\"\\\\"}')
    text = '{ "CallSid": "exact-2",\n "Status":"busy", "x": 1.50e0 }'
    a = hook.json(text)
    assert one(db, "SELECT payload::text FROM webhook_events WHERE id = %s", a.json["data"]["event_id"]) == text


@pytest.mark.parametrize("send, body, code", [
    ("form", "", "empty_delivery"), ("query", "", "empty_delivery"), ("form", "nothing", "malformed_delivery"),
    ("query", "nothing", "malformed_delivery"), ("json", '{"CallSid":', "invalid_json"), ("json", "[" * 65 + "]" * 65, "json_too_complex"),
    ("form", "&".join(["a=b"] * 40000), "json_too_complex"),
])
def test_what_can_never_be_right_is_400(hook, send, body, code):
    a = getattr(hook, send)(body)
    assert (a.status, a.json["code"]) == (400, code)


@pytest.mark.parametrize("body", [
    b"", b"x", b"--B", b"--B\r\n", b"--B\r\n\r\nx\r\n--B--", b"--B\r\nContent-Disposition: form-data\r\n\r\nx\r\n--B--",
    b"--B\r\nContent-Disposition: form-data; name=\"CallSid\"\r\n\r\nx\r\n", b"--C\r\n\r\n--C--",
])
def test_broken_multipart_is_400(hook, body):
    a = hook.json(body, content_type="multipart/form-data; boundary=B")
    assert a.status == 400 and a.json["code"] in ("malformed_delivery", "empty_delivery"), a
    assert hook.json(b"--\r\n", content_type="multipart/form-data").status == 400


def test_multipart_as_others_write_it(db, hook):
    body = (b"preamble\r\n--B \r\ncontent-disposition: form-data; filename=x; name=CallSid\r\nContent-Type: text/plain\r\n\r\nparts-1\r\n"
            b'--B\r\nContent-Disposition: form-data; name="a\\"b%22"\r\n\r\n\r\n--B\r\nX: y\r\nContent-Disposition:form-data;name="c"\r\n\r\n'
            b"line\r\n--Bx\r\n--B--\r\nepilogue")
    a = hook.json(body, content_type='Multipart/Form-Data; charset=utf-8; boundary="B"')
    assert a.status == 400, "a line of the value begins like the boundary"
    body = body.replace(b"--Bx", b"-Bx")
    a = hook.json(body, content_type='Multipart/Form-Data; charset=utf-8; boundary="B"')
    kept = one(db, "SELECT payload::text FROM webhook_events WHERE id = %s", a.json["data"]["event_id"])
    assert kept == '{"CallSid":"parts-1","a\\"b\\"":"","c":"line\\r\\n-Bx"}'


@pytest.mark.parametrize("fields", [
    {"CallSid": "odd-1"}, {"CallSid": "odd-2", "Status": None}, {"CallSid": "odd-3", "Status": "null", "EventType": "null"},
    {"CallSid": "odd-4", "Status": "something-new"}, {"CallSid": 4711, "Status": 7, "Legs": "x", "EndTime": [], "To": {}, "From": 9},
    {"CallSid": "odd-5", "Legs": [None, 1, {}, [], {"Leg": {"Status": "busy"}}], "Status": "completed"},
    {"CallSid": None}, {"CallSid": ""}, {"CallSid": "x" * 5000}, {}, {"Status": "completed"}, [], [1], {"CallSid": {"a": 1}},
    {"CallSid": "odd-6", "ConversationDuration": "-1", "StartTime": "2026-13-45 99:99:99", "EndTime": "9999-01-01 00:00:00"},
])
def test_every_well_formed_delivery_is_taken(daemon, hook, fields):
    a = hook.json(fields)
    assert a.status == 200, a


def test_an_unknown_hook_and_one_of_dialpad_are_404_and_head_stores_nothing(daemon, db, hook, acme):
    assert hook.daemon.post("/webhooks/exotel/nonsense", "a=b").status == 404
    assert hook.daemon.post(acme.path.replace("dialpad", "exotel"), "a=b").json["code"] == "unknown_hook"
    assert hook.daemon.post(hook.path.replace("exotel", "dialpad"), "{}").status == 404
    before = one(db, "SELECT count(*) FROM webhook_events WHERE app_id = %s", acme.id)
    assert ringd.request(daemon.port, "HEAD", hook.path + "?CallSid=head-1").status == 405
    assert hook.json({"CallSid": "x"}, {"Content-Encoding": "gzip"}).status == 415
    assert one(db, "SELECT count(*) FROM webhook_events WHERE app_id = %s", acme.id) == before


def basic(password, user="ringd"):
    return {"Authorization": "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()}


def used(db, answer):
    return one(db, "SELECT secret_used FROM webhook_events WHERE id = %s", answer.json["data"]["event_id"])


def asked_for(daemon, pg, h):
    [password] = [x["password"] for x in ringd.ringctl("hook", "list", h.app, database=pg.dsn(daemon.database)) if x["id"] == h.id]
    return password


def test_a_list_says_which_hooks_ask_for_a_password(daemon, pg, acme):
    closed, opened = exotel.Hook(daemon, pg, acme.id, "--basic"), exotel.Hook(daemon, pg, acme.id)
    assert asked_for(daemon, pg, closed) is True and asked_for(daemon, pg, opened) is False
    for h in (closed, opened):
        ringd.ringctl("hook", "rotate", acme.id, h.id, "--overlap", "1h", database=pg.dsn(daemon.database))
    assert asked_for(daemon, pg, closed) is True
    assert asked_for(daemon, pg, opened) is False, "not before the overlap ends"
    ringd.ringctl("hook", "rotate", acme.id, opened.id, "--overlap", "0s", database=pg.dsn(daemon.database))
    assert asked_for(daemon, pg, opened) is True
    signed = ringd.ringctl("hook", "create", acme.id, database=pg.dsn(daemon.database))
    assert {x["id"]: x["password"] for x in ringd.ringctl("hook", "list", acme.id, database=pg.dsn(daemon.database))}[signed["id"]] is None


def test_a_hook_with_a_secret_asks_for_it_as_the_password(daemon, db, pg, acme):
    h = exotel.Hook(daemon, pg, acme.id, "--basic")
    for n, headers in enumerate([{}, basic("wrong"), basic(""), {"Authorization": "Basic ???"}, {"Authorization": h.secret},
                                 {"Authorization": "Bearer " + h.secret}]):
        a = h.form({"CallSid": f"basic-{n}"}, headers)
        assert (a.status, a.json["code"]) == (401, "invalid_password") and a.headers["www-authenticate"].startswith("Basic")
    a = h.form({"CallSid": "basic-9"}, basic(h.secret, "anybody"))
    assert a.status == 200 and used(db, a) == "current"
    fresh = ringd.ringctl("hook", "rotate", acme.id, h.id, database=pg.dsn(daemon.database))
    assert used(db, h.form({"CallSid": "basic-10"}, basic(fresh["secret"]))) == "current"
    ringd.wait_for("all workers to know that it is the old one",
                   lambda: used(db, h.form({"CallSid": f"basic-{time.monotonic_ns()}"}, basic(h.secret))) == "previous")
    assert h.form({"CallSid": "basic-12"}).status == 401
    assert ringd.ringctl("hook", "create", acme.id, "--basic", database=pg.dsn(daemon.database), check=False).returncode == 2


def test_a_first_secret_is_not_asked_for_until_the_overlap_ends(daemon, db, pg, acme):
    h = exotel.Hook(daemon, pg, acme.id)
    assert h.secret is None and used(db, h.form({"CallSid": "open-1"})) == "none"
    first = ringd.ringctl("hook", "rotate", acme.id, h.id, "--overlap", "5s", database=pg.dsn(daemon.database))
    ringd.wait_for("the workers to know", lambda: used(db, h.form({"CallSid": f"open-{time.monotonic_ns()}"})) == "previous")
    ringd.wait_for("all of them to know",
                   lambda: used(db, h.form({"CallSid": f"open-{time.monotonic_ns()}"}, basic(first["secret"]))) == "current")
    ringd.wait_for("the overlap to end", lambda: h.form({"CallSid": f"open-{time.monotonic_ns()}"}).status == 401)
    assert h.form({"CallSid": "open-3"}, basic(first["secret"])).status == 200


def test_two_tenants_and_two_providers_with_the_same_ids_stay_apart(daemon, db, pg, acme, globex):
    mine, theirs = exotel.Hook(daemon, pg, acme.id), exotel.Hook(daemon, pg, globex.id)
    sid = "5031100220999001"            # as Dialpad's look
    for h, number in ((mine, "09811111111"), (theirs, "09822222222")):
        assert h.form({"CallSid": sid, "Status": "in-progress", "From": "09800000001", "To": number, "Direction": "outbound-api"}).status == 200
    assert daemon.post(acme.path, ringd.jwt(ringd.call_event(int(sid)), acme.secret)).status == 200
    drained(db)
    both = [c for c in daemon.get("/api/calls/active", acme.key).json["data"] if c["provider_call_id"] == sid]
    assert {(c["provider"], c["dialpad_call_id"], c["direction"]) for c in both} == {("dialpad", int(sid), "inbound"), ("exotel", None, "outbound")}
    [other] = [c for c in daemon.get("/api/calls/active", globex.key).json["data"] if c["provider_call_id"] == sid]
    assert other["to_number"] == "+919822222222"
    for c in both:
        assert daemon.get(f"/api/calls/{c['id']}", globex.key).status == 404
        assert daemon.get(f"/api/calls/{c['id']}", acme.key).json["data"]["provider"] == c["provider"]
    # The end of one is not the end of the other.
    assert mine.form({"CallSid": sid, "Status": "completed", "EventType": "terminal"}).status == 200
    drained(db)
    left = [c["provider"] for c in daemon.get("/api/calls/active", acme.key).json["data"] if c["provider_call_id"] == sid]
    assert left == ["dialpad"]


def test_neither_token_nor_number_is_in_the_log(daemon, in_order, hook):
    text = daemon.text()
    assert hook.path.rsplit("/", 1)[1] not in text and "/webhooks/exotel/{}" in text
    assert "9876543210" not in text and "9812345678" not in text


def test_ringctl_shows_both_providers_calls(daemon, pg, acme, in_order):
    shown = {c["provider_call_id"]: c for c in ringd.ringctl("calls", acme.id, "--limit", "200", database=pg.dsn(daemon.database))}
    c = shown["4e5f60718293a4b5c6d7e8f90a1b2c3d"]
    assert (c["provider"], c["agent"], c["dialpad_call_id"]) == ("exotel", "ravi@acme.example", None)


# ---- calls of a ribbon

class Ribbon:
    """A client, an agent and their calls, written as workers and courier write them."""

    def __init__(self, db, app):
        self.db, self.app = db, app
        self.key, self.agent, self.session = (str(uuid.uuid4()) for _ in range(3))
        self.run("INSERT INTO ribbon_agents (app_id, id, agent_id, name, email, mode, created_at, updated_at) "
                 "VALUES (%s, %s, %s, 'Asha Rao', 'asha@acme.example', 'callback', now(), now())", app, self.agent, f"crm-{self.agent[:8]}")

    def run(self, sql, *args):
        with self.db.cursor() as c:
            c.execute(sql, args)

    def dial(self, sid=None, state="placed", context="deal 42: ask for the manager", number="+919812345678", error=None):
        call = str(uuid.uuid4())
        self.run("INSERT INTO ribbon_calls (app_id, id, session_id, key_id, agent, phone_number, context, mode, month, state, "
                 "provider_call_id, error, created_at, sent_at) VALUES (%s, %s, %s, %s, %s, %s, %s, 'callback', '2026-01', %s, %s, %s, now(), now())",
                 self.app, call, self.session, self.key, self.agent, number, context, state, sid, error)
        return call

    def row(self, call):
        with self.db.cursor() as c:
            c.execute("SELECT state, provider_call_id, end_reason, ended_at, error FROM ribbon_calls WHERE app_id = %s AND id = %s",
                      (self.app, call))
            return c.fetchone()


@pytest.fixture
def ribbon(db, acme):
    return Ribbon(db, acme.id)


def sid_of(name):
    return f"{name}-{time.monotonic_ns()}"


def test_a_ribbons_call_is_known_by_its_call_sid_and_ends_with_it(daemon, db, acme, hook, ribbon):
    sid = sid_of("known")
    call = ribbon.dial(sid)
    assert daemon.get(f"/api/calls/{call}", acme.key).status == 404
    hook.json({"CallSid": sid, "EventType": "answered", "Status": "in-progress", "Direction": "outbound-api", "From": "09800000001",
               "To": "09812345678", "PhoneNumberSid": "08040001234", "DateUpdated": "2026-01-05 10:00:17"})
    drained(db)
    shown = daemon.get(f"/api/calls/{call}", acme.key).json["data"]
    assert (shown["provider_call_id"], shown["status"], shown["custom_data"]) == (sid, "active", "deal 42: ask for the manager")
    assert (shown["agent_id"], shown["agent_name"], shown["agent_email"]) == (f"crm-{ribbon.agent[:8]}", "Asha Rao", "asha@acme.example")
    assert ribbon.row(call)[:4] == ("placed", sid, None, None)
    hook.json({"CallSid": sid, "EventType": "terminal", "Status": "completed", "DateUpdated": "2026-01-05 10:03:10",
               "EndTime": "2026-01-05 10:03:08", "ConversationDuration": 171, "Direction": "outbound-api"})
    drained(db)
    shown = daemon.get(f"/api/calls/{call}", acme.key).json["data"]
    assert (shown["status"], shown["outcome"], shown["custom_data"]) == ("ended", "answered", "deal 42: ask for the manager")
    state, _, reason, ended, _ = ribbon.row(call)
    assert (state, reason, ended.timestamp() * 1000) == ("ended", "completed", 1767587588000)


@pytest.mark.parametrize("status, reason", [("busy", "busy"), ("no-answer", "no-answer"), ("failed", "failed"), ("null", "missed")])
def test_why_it_ended(db, hook, ribbon, status, reason):
    sid = sid_of("why")
    call = ribbon.dial(sid)
    hook.form({"CallSid": sid, "Status": status, "EventType": "terminal"})
    drained(db)
    assert ribbon.row(call)[:3] == ("ended", sid, reason) and ribbon.row(call)[3] is not None


def test_a_tag_finds_the_call_whose_answer_was_lost(daemon, db, acme, hook, ribbon):
    """Sent, the answer never came: the first callback says that it was placed, and which call it is; even without a direction."""
    sid = sid_of("tag")
    call = ribbon.dial(None, "sent", error="unknown")
    hook.form({"CallSid": sid, "Status": "in-progress", "From": "09800000001", "To": "09812345678", "CustomField": f"ringd:{call} deal"})
    drained(db)
    shown = daemon.get(f"/api/calls/{call}", acme.key).json["data"]
    assert (shown["direction"], shown["to_number"], shown["from_number"]) == ("outbound", "+919812345678", "+919800000001")
    assert shown["custom_data"] == "deal 42: ask for the manager", "the whole context, without the tag"
    assert ribbon.row(call)[:2] == ("placed", sid) and ribbon.row(call)[4] is None


@pytest.mark.parametrize("state, error, then", [("failed", "broken", "placed"), ("ended", None, "ended"), ("failed", "device_off", "failed")])
def test_a_tag_finds_a_call_that_was_given_up(db, hook, ribbon, state, error, then):
    """Exotel failed while it was asked, or the agent had hung up: the events tell which call it was all the same. What surely did
    nothing stays so, whatever they say."""
    sid = sid_of("given-up")
    call = ribbon.dial(None, state, error=error)
    hook.form({"CallSid": sid, "Status": "in-progress", "CustomField": f"ringd:{call}"})
    drained(db)
    assert ribbon.row(call)[:2] == (then, sid if then != "failed" else None)
    hook.form({"CallSid": sid, "Status": "completed", "EventType": "terminal", "CustomField": f"ringd:{call}"})
    drained(db)
    assert ribbon.row(call)[0] == ("failed" if then == "failed" else "ended")


def test_a_ribbons_call_goes_out_whatever_exotel_calls_it(daemon, db, acme, hook, ribbon):
    sid = sid_of("way")
    call = ribbon.dial(sid)
    hook.form({"CallSid": sid, "Status": "ringing", "Direction": "inbound", "From": "09800000001", "To": "09812345678",
               "PhoneNumberSid": "08040001234"})
    drained(db)
    shown = daemon.get(f"/api/calls/{call}", acme.key).json["data"]
    assert (shown["direction"], shown["from_number"], shown["to_number"]) == ("outbound", "+918040001234", "+919812345678")


def test_a_call_that_came_stays_one_and_ends_with_its_events(daemon, db, acme, hook, ribbon):
    """The agent's ribbon answered it and said so, before any event or after the first."""
    for late in (False, True):
        sid, what = sid_of("came"), {"Direction": "incoming", "From": "09812345678", "To": "08040001234"}
        if late:
            hook.form({"CallSid": sid, "Status": "ringing", **what})
            drained(db)
        call = ribbon.dial(sid, context=None, number="09812345678")
        ribbon.run("UPDATE ribbon_calls SET direction = 'inbound' WHERE app_id = %s AND id = %s", acme.id, call)
        hook.form({"CallSid": sid, "Status": "completed", "EventType": "terminal", **what})
        drained(db)
        shown = daemon.get(f"/api/calls/{call}", acme.key).json["data"]
        assert (shown["direction"], shown["from_number"], shown["status"]) == ("inbound", "+919812345678", "ended"), shown
        assert ribbon.row(call)[:2] == ("ended", sid) and ribbon.row(call)[3] is not None


def test_a_call_that_exotel_knows_is_not_placed_again(db, hook, ribbon):
    call = ribbon.dial(None, "asked")
    hook.form({"CallSid": sid_of("again"), "Status": "ringing", "CustomField": f"ringd:{call}"})
    drained(db)
    assert ribbon.row(call)[0] == "placed"


def test_without_context_the_custom_field_is_shown_without_the_tag(daemon, db, acme, hook, ribbon):
    call = ribbon.dial(None, "sent", context=None)
    hook.form({"CallSid": sid_of("tag"), "Status": "in-progress", "CustomField": f"ringd:{call} from elsewhere"})
    drained(db)
    shown = daemon.get(f"/api/calls/{call}", acme.key).json["data"]
    assert shown["custom_data"] == "from elsewhere" and shown["to_number"] == "+919812345678", "the ribbon knows whom it dialled"
    assert ribbon.row(call)[0] == "sent", "its answer is still under way"


@pytest.mark.parametrize("state", ["asked", "sent"])
def test_callbacks_before_the_dials_answer_are_kept(daemon, db, acme, hook, ribbon, state):
    """No tag, and nobody knows the CallSid yet: the whole call is over before the courier stores the answer."""
    sid = sid_of("early")
    call = ribbon.dial(None, state)
    hook.json({"CallSid": sid, "EventType": "terminal", "Status": "busy", "DateUpdated": "2026-01-05 10:00:17"})
    drained(db)
    assert ribbon.row(call)[0] == state
    ribbon.run("UPDATE ribbon_calls SET state = 'placed', provider_call_id = %s WHERE app_id = %s AND id = %s", sid, acme.id, call)
    ringd.wait_for("the reaper to join them", lambda: ribbon.row(call)[0] == "ended")
    assert ribbon.row(call)[2] == "busy"
    shown = daemon.get(f"/api/calls/{call}", acme.key).json["data"]
    assert (shown["status"], shown["to_number"], shown["custom_data"]) == ("ended", "+919812345678", "deal 42: ask for the manager")


def test_a_tag_of_nobody_of_another_app_or_of_another_call_leads_nowhere(daemon, db, pg, acme, globex, hook, ribbon):
    theirs, taken = Ribbon(db, globex.id).dial(None, "sent"), ribbon.dial(sid_of("mine"))
    for tag in (str(uuid.uuid4()), theirs, taken):
        sid = sid_of("astray")
        hook.form({"CallSid": sid, "Status": "completed", "EventType": "terminal", "CustomField": f"ringd:{tag} x"})
        drained(db)
        assert daemon.get(f"/api/calls/{tag}", acme.key).status == 404
        assert calls(daemon, acme)[sid]["custom_data"] == "x"
    assert daemon.get(f"/api/calls/{theirs}", globex.key).status == 404
    assert Ribbon.row(ribbon, taken)[0] == "placed"
    dial = str(uuid.uuid4())
    ribbon.run("INSERT INTO dialpad_dials (app_id, id, user_id, phone_number, created_at) VALUES (%s, %s, '1', '+15550142233', now())", acme.id, dial)
    hook.form({"CallSid": sid_of("cross"), "Status": "ringing", "CustomField": f"ringd:{dial}"})
    drained(db)
    assert daemon.get(f"/api/calls/{dial}", acme.key).status == 404, "a dial at Dialpad is not found at Exotel"


def test_an_end_the_agent_gave_a_reason_for_keeps_it(db, hook, ribbon):
    sid = sid_of("reason")
    call = ribbon.dial(sid)
    ribbon.run("UPDATE ribbon_calls SET end_reason = 'agent' WHERE id = %s", call)
    hook.form({"CallSid": sid, "Status": "completed", "EventType": "terminal"})
    drained(db)
    assert ribbon.row(call)[:3] == ("ended", sid, "agent")


# ---- nothing acknowledged is lost

def test_kill_9_of_workers_loses_no_acknowledged_event(new_daemon, pg):
    d = new_daemon(workers=2).start()
    t = ringd.Tenant(pg.dsn(d.database), "Killed")
    h = exotel.Hook(d, pg, t.id)
    stop, acknowledged = threading.Event(), []

    def send(who):
        n = 0
        while not stop.is_set():
            n += 1
            sid = f"k-{who}-{n}"
            try:
                if (h.form if n % 2 else h.query)({"CallSid": sid, "Status": "ringing"}).status == 200:
                    acknowledged.append(sid)
            except (OSError, http.client.HTTPException):
                pass
    threads = [threading.Thread(target=send, args=(i,)) for i in range(6)]
    for th in threads:
        th.start()
    for _ in range(3):
        before = len(acknowledged)
        ringd.wait_for("events to flow", lambda: len(acknowledged) > before + 30)
        os.kill(d.pids("worker")[0], signal.SIGKILL)
        ringd.wait_for("a new worker", lambda: len(d.pids("worker")) == 2)
    stop.set()
    for th in threads:
        th.join(20)
    with pg.connect(d.database) as c, c.cursor() as q:
        q.execute("SELECT leg_id FROM webhook_events WHERE app_id = %s", (t.id,))
        stored = {r[0] for r in q.fetchall()}
    assert len(acknowledged) > 90 and not set(acknowledged) - stored
    assert d.stop() == 0


# ---- calls whose end was lost

def test_a_call_that_nothing_is_heard_of_is_presumed_over_until_it_speaks(new_daemon, pg):
    d = new_daemon(workers=1, webhooks={"exotel": {"ghost_after": "2s"}}).start()
    t = ringd.Tenant(pg.dsn(d.database), "Silent")
    h = exotel.Hook(d, pg, t.id)
    with pg.connect(d.database) as db:
        r = Ribbon(db, t.id)
        call = r.dial("silent-1")
        h.form({"CallSid": "silent-1", "Status": "in-progress", "EventType": "answered"})
        ring = {"CallSid": "silent-2", "CallFrom": "09876543210", "CallTo": "08040001234", "EventType": "Dial", "Status": "busy",
                "DialWhomNumber": "09800000001"}
        h.query(ring)
        d.post(t.path, ringd.jwt(ringd.call_event(5031100220998001), t.secret))
        drained(db)
        assert len(d.get("/api/calls/active", t.key).json["data"]) == 3
        ringd.wait_for("Exotel's calls to be over", lambda: [c["provider"] for c in d.get("/api/calls/active", t.key).json["data"]] == ["dialpad"])
        shown = calls(d, t)
        assert {c: shown[c]["end_inferred"] for c in ("silent-1", "silent-2")} == {"silent-1": True, "silent-2": True}
        assert r.row(call)[:3] == ("ended", "silent-1", "unknown")
        assert "call presumed over" in d.text()
        # It lives after all, and then truly ends.
        h.query({**ring, "EventType": "Answered"})
        drained(db)
        assert calls(d, t)["silent-2"]["status"] == "active"
        h.json({"CallSid": "silent-1", "Status": "completed", "EventType": "terminal", "ConversationDuration": 5})
        drained(db)
        assert (calls(d, t)["silent-1"]["end_inferred"], calls(d, t)["silent-1"]["outcome"]) == (False, "answered")
        assert d.status()["totals"]["events_applied"] == 5, "what nobody sent is no event"
    assert d.stop() == 0
