"""Click to call: one wish is one call at most, whatever happens to the answer, and its id leads to the call once events have come."""
import itertools
import json
import os
import threading
import time
import uuid

import pytest

import ringd
from dialpad_sim import Browser, Dialpad, dialpad, key_ring, settings
from ringd import request, wait_for

USER, NUMBER = "5600110022003300", "+15550142233"
numbers = itertools.count(1)


@pytest.fixture(scope="module")
def sim():
    s = Dialpad()
    yield s
    s.stop()


@pytest.fixture(scope="module")
def d(new_daemon, sim):
    x = new_daemon()
    s = settings(sim, x.port, key_ring(x.base))
    s["courier"].update(timeout="4s", connect_timeout="2s")
    x.write(**s)
    x.start()
    yield x
    assert x.stop() == 0, x.text()[-3000:]
    assert "Sanitizer" not in x.text() and "runtime error:" not in x.text()


@pytest.fixture(autouse=True)
def calm(sim):
    yield
    with sim.sim.lock:
        sim.sim.faults.clear()
        sim.sim.dial_windows.clear()
    sim.set(dial_rate=1000, rate=1000, retry_after=None, deliver=True)


class App:
    """An app with a key that may dial, connected with a company of its own, in which one user may call."""

    def __init__(self, pg, d, sim, connect=True):
        self.d, self.dsn = d, pg.dsn(d.database)
        tenant = ringd.Tenant(self.dsn, f"Dial {time.monotonic_ns()}")
        self.id, self.read_key = tenant.id, tenant.key
        self.key = ringd.ringctl("key", "create", tenant.id, "--scopes", "dial", database=self.dsn)["api_key"]
        n = next(numbers)
        self.user = str(5600110000000000 + n)
        dialpad.AGENTS.append((int(self.user), "Dana Ortiz", "dana.ortiz@example.com", "+15550100101"))
        sim.set(user=dict(sim.sim.settings["user"], company_id=5511220000000000 + n))
        if connect:
            browser = Browser()
            url = ringd.ringctl("dialpad", "connect-url", tenant.id, database=self.dsn, config=d.config)["url"]
            assert browser.get(browser.consent(browser.get(url).headers["location"])).status == 200
        with sim.sim.lock:      # one webhook at a time: the company of all these apps is the same
            sim.sim.webhooks = {1: {"id": 1, "hook_url": f"http://127.0.0.1:{d.port}{tenant.path}", "secret": tenant.secret}}
            sim.sim.subscriptions = {2: {"id": 2, "endpoint_id": 1, "enabled": True, "call_states": []}}

    def dial(self, body=None, key=None, port=None, **members):
        wish = {"user_id": self.user, "phone_number": NUMBER, **members} if body is None else body
        headers = {"x-app-api-key": self.key, "Content-Type": "application/json", **({"Idempotency-Key": key} if key else {})}
        return request(port or self.d.port, "POST", "/api/calls", headers, wish if isinstance(wish, (str, bytes)) else json.dumps(wish), 30)

    def call(self, call_id):
        return self.d.get(f"/api/calls/{call_id}", self.read_key)

    def rows(self, pg, columns="state, provider_call_id, error"):
        with pg.connect(self.d.database) as c, c.cursor() as q:
            q.execute(f"SELECT {columns} FROM dialpad_dials WHERE app_id = %s ORDER BY created_at, id", (self.id,))
            return q.fetchall()


@pytest.fixture
def app(pg, d, sim):
    sim.set(dial_rate=1000, rate=1000)      # one window for all companies here: the registrations of many apps would fill it
    return App(pg, d, sim)


def started(sim):
    return sim.count("rest.POST call")


def placed_at_last(app, key):
    answers = []

    def ask():
        answers.append(app.dial(key=key))
        return answers[-1].status == 201
    wait_for("a good answer", ask, 30, 0.3)
    return answers[-1]


def test_a_call_is_placed_and_its_id_leads_to_it(pg, app, sim):
    a = app.dial(custom_data="deal 17 ✓")
    assert a.status == 201, a
    data = a.json["data"]
    assert a.json["success"] is True and data["state"] == "placed" and data["call_id"].isdigit() and uuid.UUID(data["id"]).version == 7
    assert "idempotent-replayed" not in a.headers
    wait_for("the call", lambda: app.call(data["id"]).status == 200)
    call = app.call(data["id"]).json["data"]
    assert call["id"] != data["id"] and str(call["dialpad_call_id"]) == data["call_id"]
    assert (call["direction"], call["to_number"], call["custom_data"]) == ("outbound", NUMBER, "deal 17 ✓")
    assert app.call(call["id"]).json == app.call(data["id"]).json
    assert app.rows(pg) == [("placed", data["call_id"], None)]
    with sim.sim.lock:
        assert sim.sim.calls[int(data["call_id"])].base["custom_data"] == f"ringd:{data['id']} deal 17 ✓"


def test_without_custom_data_none_is_shown(app, sim):
    a = app.dial()
    wait_for("the call", lambda: app.call(a.json["data"]["id"]).status == 200)
    assert app.call(a.json["data"]["id"]).json["data"]["custom_data"] is None


def test_before_any_event_there_is_no_call(app, sim):
    sim.set(deliver=False)
    a = app.dial()
    assert a.status == 201 and app.call(a.json["data"]["id"]).status == 404


def test_a_mark_of_somebody_else_leads_nowhere(pg, d, app, sim):
    """Whoever may write custom data at Dialpad must not lead ids of calls, or of other tenants' dials, elsewhere."""
    stranger = App(pg, d, sim)
    assert stranger.dial().status == 201
    with pg.connect(d.database) as c, c.cursor() as q:
        q.execute("SELECT id FROM dialpad_dials WHERE app_id = %s", (stranger.id,))
        [(dial,)] = q.fetchall()
    mine = App(pg, d, sim)
    for victim in (dial, str(uuid.uuid4())):
        with sim.sim.lock:
            [call_id] = sim.sim.happen(1, "inbound", custom_data=f"ringd:{victim} x")
        wait_for("the call", lambda: any(c["dialpad_call_id"] == call_id for c in d.get("/api/calls", mine.read_key).json["data"]))
        assert mine.call(victim).status == 404


@pytest.mark.parametrize("body,code", [
    ("", "invalid_json"), ("{", "invalid_json"), ("[]", "invalid_json"), ('"x"', "invalid_json"), ("{}", "invalid_user_id"),
    ('{"user_id":"1","phone_number":"+15550142233"} x', "invalid_json"), (b"\xff", "invalid_json"),
    ({"user_id": USER, "phone_number": NUMBER, "customData": "x"}, "invalid_parameter"),
    ('{"user_id":"1","user_id":"2","phone_number":"+15550142233"}', "invalid_parameter"),
    ({"user_id": "x", "phone_number": NUMBER}, "invalid_user_id"), ({"user_id": "../me", "phone_number": NUMBER}, "invalid_user_id"),
    ({"user_id": 1.5, "phone_number": NUMBER}, "invalid_user_id"), ({"user_id": 0, "phone_number": NUMBER}, "invalid_user_id"),
    ({"user_id": "9" * 20, "phone_number": NUMBER}, "invalid_user_id"), ({"user_id": None, "phone_number": NUMBER}, "invalid_user_id"),
    ({"user_id": True, "phone_number": NUMBER}, "invalid_user_id"), ({"user_id": [USER], "phone_number": NUMBER}, "invalid_user_id"),
    ({"user_id": USER}, "invalid_phone_number"), ({"user_id": USER, "phone_number": "5550142233"}, "invalid_phone_number"),
    ({"user_id": USER, "phone_number": "+0550142233"}, "invalid_phone_number"),
    ({"user_id": USER, "phone_number": "+1555014223x"}, "invalid_phone_number"),
    ({"user_id": USER, "phone_number": "+1 555 014 2233"}, "invalid_phone_number"),
    ({"user_id": USER, "phone_number": "+123456"}, "invalid_phone_number"),
    ({"user_id": USER, "phone_number": "+1234567890123456"}, "invalid_phone_number"),
    ({"user_id": USER, "phone_number": 15550142233}, "invalid_phone_number"),
    ({"user_id": USER, "phone_number": "+15550142233\n"}, "invalid_phone_number"),
    ({"user_id": USER, "phone_number": NUMBER, "custom_data": "x" * 1001}, "invalid_custom_data"),
    ({"user_id": USER, "phone_number": NUMBER, "custom_data": {"a": 1}}, "invalid_custom_data"),
    ({"user_id": USER, "phone_number": NUMBER, "idempotency_key": ""}, "invalid_idempotency_key"),
    ({"user_id": USER, "phone_number": NUMBER, "idempotency_key": "x" * 129}, "invalid_idempotency_key"),
    ({"user_id": USER, "phone_number": NUMBER, "idempotency_key": "a b"}, "invalid_idempotency_key"),
])
def test_what_is_malformed_is_refused(pg, app, sim, body, code):
    before = started(sim)
    a = app.dial(body)
    assert a.status == 400 and a.json["code"] == code and a.json["success"] is False, a
    assert started(sim) == before and app.rows(pg) == []


def test_whose_it_is_comes_before_what_is_wrong(d, app, sim):
    """A stranger learns nothing of a body, and whoever guesses keys does not get around being counted."""
    for headers, status, code in (({}, 401, "missing_api_key"), ({"x-app-api-key": "short"}, 401, "invalid_api_key"),
                                  ({"x-app-api-key": app.key[:-1] + ("a" if app.key[-1] != "a" else "b")}, 401, "invalid_api_key"),
                                  ({"x-app-api-key": app.read_key}, 403, "missing_scope")):
        for body in ("", "{", '{"user_id":"x"}'):
            a = request(d.port, "POST", "/api/calls", headers, body)
            assert (a.status, a.json["code"]) == (status, code), (headers, body, a)
    a = app.dial("{")
    assert (a.status, a.json["code"]) == (400, "invalid_json") and "ratelimit" in a.headers, a


def test_what_is_malformed_counts_against_the_key(d, app):
    made = ringd.ringctl("key", "create", app.id, "--scopes", "dial", database=app.dsn)
    ringd.ringctl("key", "limit", app.id, made["id"], "3/1m", database=app.dsn)
    app.key = made["api_key"]
    assert [app.dial("{").status for _ in range(4)] == [400, 400, 400, 429]


def test_too_large_a_body(app):
    assert app.dial(json.dumps({"user_id": USER, "phone_number": NUMBER, "custom_data": "x" * 70000})).status == 413


def test_header_and_member_must_agree(app, sim):
    assert app.dial(key="one", idempotency_key="two").json["code"] == "invalid_idempotency_key"


def test_a_key_needs_the_scope(d, app, sim):
    body = json.dumps({"user_id": USER, "phone_number": NUMBER})
    before = started(sim)
    a = request(d.port, "POST", "/api/calls", {"x-app-api-key": app.read_key}, body)
    assert a.status == 403 and a.json["code"] == "missing_scope"
    assert request(d.port, "POST", "/api/calls", {}, "junk").json["code"] == "missing_api_key"
    assert request(d.port, "POST", "/api/calls", {"x-app-api-key": "app_" + "x" * 49}, body).status == 401
    ringd.ringctl("app", "disable", app.id, database=app.dsn)
    assert app.dial().json["code"] == "app_inactive"
    assert started(sim) == before
    assert request(d.port, "PUT", "/api/calls", {}, body).status == 405


def test_a_key_may_have_several_scopes(app):
    key = ringd.ringctl("key", "create", app.id, "--scopes", "read,dial", database=app.dsn)["api_key"]
    assert app.d.get("/api/calls", key).status == 200
    body = json.dumps({"user_id": app.user, "phone_number": NUMBER})
    assert request(app.d.port, "POST", "/api/calls", {"x-app-api-key": key}, body).status == 201


def test_a_user_id_may_be_a_number(app, sim):
    assert app.dial({"user_id": int(app.user), "phone_number": NUMBER}).status == 201


def test_the_same_key_is_the_same_call(pg, app, sim):
    before = started(sim)
    first = app.dial(key="deal-17")
    second = app.dial(key="deal-17")
    third = app.dial(idempotency_key="deal-17")
    assert (first.status, second.status, third.status) == (201, 201, 201)
    assert first.json == second.json == third.json
    assert second.headers["idempotent-replayed"] == "true" and started(sim) == before + 1
    assert app.dial(key="deal-17", phone_number="+15550148899").json["code"] == "idempotency_key_reused"
    assert app.dial(key="deal-17", custom_data="x").status == 422
    assert app.dial(key="deal-18").json["data"]["id"] != first.json["data"]["id"]
    assert started(sim) == before + 2 and len(app.rows(pg)) == 2


def test_another_daemon_is_at_it(pg, d, app, sim):
    """As it looks from here when a courier of another installation's daemon has taken the row and not yet said what came of it."""
    sim.set(deliver=False)
    assert app.dial(key="theirs").status == 201
    before = started(sim)
    with pg.connect(d.database) as c, c.cursor() as q:
        q.execute("UPDATE dialpad_dials SET state = 'sent', sent_at = now(), provider_call_id = NULL, error = NULL WHERE app_id = %s", (app.id,))
    a = app.dial(key="theirs")
    assert (a.status, a.json["code"]) == (409, "dial_pending") and int(a.headers["retry-after"]) > 0 and started(sim) == before


def test_a_key_belongs_to_its_app(pg, d, app, sim):
    other = App(pg, d, sim)
    a, b = app.dial(key="one"), other.dial(key="one")
    assert a.status == b.status == 201 and a.json["data"]["id"] != b.json["data"]["id"]


def test_sixteen_at_once_place_one_call(pg, app, sim):
    before, answers = started(sim), []
    sim.misbehave(rest__call="slow")

    def go():
        answers.append(app.dial(key="double-click"))
    threads = [threading.Thread(target=go) for _ in range(16)]
    for t in threads:
        t.start()
    for t in threads:
        t.join(40)
    assert started(sim) == before + 1 and len(app.rows(pg)) == 1
    assert [a.status for a in answers] == [201] * 16 and len({a.body for a in answers}) == 1, answers


@pytest.mark.parametrize("fault,status,code,state", [
    ("404", 404, "dialpad_user_not_found", "failed"), ("400", 400, "dial_refused", "failed"), ("403", 403, "dialpad_forbidden", "failed"),
    ("error_500", 502, "dialpad_failed", "failed"), ("redirect", 502, "dialpad_failed", "failed"),
    ("close", 504, "dial_unknown", "sent"), ("lost", 504, "dial_unknown", "sent"), ("hang", 504, "dial_unknown", "sent"),
])
def test_what_dialpad_says_is_told_and_stays(pg, app, sim, fault, status, code, state):
    sim.set(deliver=False)
    sim.misbehave(rest__call=fault)
    a = app.dial(key="k")
    assert (a.status, a.json["code"]) == (status, code), a
    assert [r[0] for r in app.rows(pg)] == [state]
    placed = started(sim)
    again = app.dial(key="k")
    assert (again.status, again.json["code"]) == (status, code) and started(sim) == placed, again
    assert again.headers["idempotent-replayed"] == "true"


def test_an_unknown_user(app, sim):
    assert app.dial(user_id="77").json["code"] == "dialpad_user_not_found"


def test_an_answer_that_was_lost_is_told_by_the_events(app, sim):
    sim.misbehave(rest__call="lost")
    a = app.dial(key="lost")
    assert (a.status, a.json["code"]) == (504, "dial_unknown"), a
    again = placed_at_last(app, "lost")
    assert again.json["data"]["state"] == "placed" and again.json["data"]["call_id"] is None
    assert app.call(again.json["data"]["id"]).status == 200


def test_nothing_is_done_while_dialpad_cannot_be_reached(pg, app, sim, d):
    sim.set(retry_after=3)
    sim.misbehave(times=9, rest__call="error_503")
    a = app.dial(key="k")
    assert (a.status, a.json["code"]) == (503, "dialpad_unavailable") and int(a.headers["retry-after"]) > 0
    assert app.rows(pg) == [("asked", None, "unreachable")]
    sim.sim.faults.clear()
    # Not in vain: the same key tries again, and then it works.
    done = placed_at_last(app, "k")
    assert done.json["data"]["state"] == "placed" and len(app.rows(pg)) == 1


def test_not_connected(pg, d, sim):
    app = App(pg, d, sim, connect=False)
    assert app.dial(key="k").json["code"] == "dialpad_not_connected"
    assert app.rows(pg) == [("asked", None, "not_connected")]


def test_a_connection_that_ended(pg, d, sim, app):
    with pg.connect(d.database) as c, c.cursor() as q:
        q.execute("UPDATE dialpad_connections SET state = 'needs_reconnect' WHERE app_id = %s", (app.id,))
    a = app.dial()
    assert a.status == 409 and a.json["code"] == "dialpad_needs_reconnect"


def test_a_dead_token_is_renewed_on_the_way(pg, sim, app):
    with sim.sim.lock:
        for held in sim.sim.access.values():
            held["until"] = 0
    before = sim.count("token.refresh_token")
    assert app.dial().status == 201 and sim.count("token.refresh_token") == before + 1


def test_five_a_minute_and_user(pg, app, sim):
    before = started(sim)
    sim.set(dial_rate=5)
    assert [app.dial().status for _ in range(5)] == [201] * 5
    began = time.monotonic()
    a = app.dial(key="sixth")
    assert (a.status, a.json["code"]) == (429, "dial_limit"), a
    assert 40 <= int(a.headers["retry-after"]) <= 61 and time.monotonic() - began < 3
    assert started(sim) == before + 5, "nothing was sent that Dialpad would have refused"
    assert app.rows(pg)[-1] == ("asked", None, "limit")
    assert app.dial(user_id=USER).status == 201, "the limit is each user's own"
    assert "application/problem+json" in request(app.d.port, "POST", "/api/calls", {"x-app-api-key": app.key, "Accept": "application/problem+json"},
                                                 json.dumps({"user_id": app.user, "phone_number": NUMBER})).headers["content-type"]


def test_the_providers_own_429(app, sim):
    sim.set(dial_rate=0, retry_after=17)
    a = app.dial()
    assert (a.status, a.json["code"], a.headers["retry-after"]) == (429, "dial_limit", "17"), a
    a = app.dial()
    assert a.status == 429 and 10 <= int(a.headers["retry-after"]) <= 17


def test_nobody_waits_beside_the_telephone(app, sim):
    """A pause that could be waited for is told all the same: who clicked would not know that it goes on."""
    sim.set(dial_rate=0, retry_after=3)
    began = time.monotonic()
    a = app.dial()
    assert (a.status, a.headers["retry-after"]) == (429, "3") and time.monotonic() - began < 2.5, a


def test_the_courier_killed_in_the_middle(pg, d, app, sim):
    """Nobody knows what became of it, and that is what is said; the row keeps anybody from asking Dialpad twice."""
    answers, before = [], started(sim)
    sim.misbehave(rest__call="slow")
    t = threading.Thread(target=lambda: answers.append(app.dial(key="k")))
    t.start()
    wait_for("the request", lambda: sim.count("fault.rest.call.slow") > 0 and [r[0] for r in app.rows(pg)] == ["sent"])
    os.kill(d.pids("courier")[0], 9)
    t.join(30)
    assert (answers[0].status, answers[0].json["code"]) == (504, "dial_unknown"), answers
    wait_for("the next courier", lambda: request(d.admin, "GET", "/keyring").status == 200, 30)
    wait_for("the simulator to have done it", lambda: started(sim) == before + 1)
    # First "somebody is at it", then, when nobody can be any more, what the call's events have told.
    assert app.dial(key="k").status in (409, 201)
    assert placed_at_last(app, "k").json["data"]["call_id"] is None
    assert started(sim) == before + 1 and len(app.rows(pg)) == 1


def test_without_a_courier(pg, new_daemon):
    x = new_daemon().start()
    app = ringd.ringctl("app", "create", "No courier", database=pg.dsn(x.database))
    key = ringd.ringctl("key", "create", app["id"], "--scopes", "dial", database=pg.dsn(x.database))["api_key"]
    a = request(x.port, "POST", "/api/calls", {"x-app-api-key": key}, json.dumps({"user_id": USER, "phone_number": NUMBER}))
    assert a.status == 503 and a.json["code"] == "dialpad_not_configured", a
    assert x.stop() == 0


def test_old_rows_are_forgotten(pg, new_daemon):
    x = new_daemon()
    app = ringd.ringctl("app", "create", "Old", database=pg.dsn(x.database))
    with pg.connect(x.database) as c, c.cursor() as q:
        q.execute("INSERT INTO dialpad_dials (app_id, id, user_id, phone_number, created_at) SELECT %s, gen_random_uuid(), '1', '+1', "
                  "now() - n * interval '400 days' FROM generate_series(0, 3) n", (app["id"],))
        x.start()

        def left():
            q.execute("SELECT count(*) FROM dialpad_dials")
            return q.fetchone()[0] == 1
        wait_for("the sweep", left, 20)
    assert x.stop() == 0
