"""Calls of the ribbon: a wish is one call at most, no more of them leave than the month has, nobody sees another agent's."""
import json
import os
import signal
import subprocess
import threading
import time
import uuid

import pytest

import exotel_sim
import ringd
from dialpad_sim import key_ring
from exotel_sim import Exotel
from prometheus import scrape
from ribbon import ORIGIN, Crm, refused
from ringd import request, wait_for

NUMBER = "+919876543210"


@pytest.fixture(scope="module")
def sim():
    s = Exotel()
    yield s
    s.stop()


def daemon_for(new_daemon, sim, **more):
    x = new_daemon(**more)
    s = exotel_sim.settings(sim, x.port, key_ring(x.base))
    s["courier"].update(timeout="4s", connect_timeout="2s")
    x.write(ribbon={"dispositions": '["Sold", "Call back"]'}, **s)
    return x.start()


@pytest.fixture(scope="module")
def d(new_daemon, sim):
    x = daemon_for(new_daemon, sim)
    yield x
    assert x.stop() == 0, x.text()[-3000:]
    assert "Sanitizer" not in x.text() and "runtime error:" not in x.text()


@pytest.fixture(autouse=True)
def calm(sim):
    sim.set(rate=100000, retry_after=None, auto=None, early=False, double=False, one_call=False, slow_seconds=1)
    sim.sim.devices_off.clear()
    yield
    sim.sim.forget()


class Linked(Crm):
    """Linked with the simulator, as an administrator does it."""

    def link(self, **credentials):
        exotel_sim.link(self.d, self.dsn, self.id, **credentials)

    def add_phone(self, agent="erin"):
        """An agent whose SIP is rung."""
        exotel_sim.add_agent(self.d, self.dsn, self.id, agent, "webrtc", sip_user=f"{agent}1a2b", exotel_user="agent7")

    def calls(self, columns="state, error"):
        return self.sql(f"SELECT {columns} FROM ribbon_calls WHERE app_id = %s ORDER BY created_at, id", self.id)

    def usage(self):
        return self.sql("SELECT used, refused FROM usage WHERE app_id = %s AND key_id = %s", self.id, self.web_id)


@pytest.fixture
def crm(pg, d):
    return Linked(pg, d)


def left(sim):
    """Calls that left the courier, either way."""
    return sim.count("connect") + sim.count("outbound_call")


def test_a_call_is_placed(crm, sim):
    s = crm.session()
    a = s.dial(context="deal 17 ✓")
    assert a.status == 201, a
    data = a.json["data"]
    assert data["state"] == "placed" and data["call_sid"] and data["mode"] == "callback" and data["phone_number"] == NUMBER
    assert sim.count("connect") == 1 and uuid.UUID(data["id"]).version == 7
    got = s.get(f"calls/{data['id']}").json["data"]
    assert (got["id"], got["state"], got["call_sid"], got["context"]) == (data["id"], "placed", data["call_sid"], "deal 17 ✓")
    assert (got["held"], got["muted"], got["status"], got["disposition"], got["ended_at"]) == (False, False, None, None, None)
    assert got["started_at"] == data["created_at"]
    assert crm.usage() == [(1, 0)]
    [(actor, _, subject, detail)] = crm.audit("ribbon.dial")
    assert actor == f"session:{s.id}" and subject == f"call:{data['id']}" and json.loads(detail) == {"phone_number": "+9198...210"}


def test_sessions_refusals_and_calls_are_counted(pg, d, sim):
    def counted():
        return {(name[len("ringd_ribbon_"):-len("_total")], *dict(labels).values()): n
                for (name, labels), n in scrape(d.admin).samples.items() if name.startswith("ringd_ribbon_")}
    crm = Linked(pg, d, limit=5)
    crm.add_phone()
    before = counted()
    s = crm.session("erin")
    assert [s.dial().status for _ in range(2)] == [201, 201]
    sim.set(retry_after=1)
    for fault in ("device_off", "500", "lost", "503"):
        sim.misbehave(outbound_call=fault)
        s.dial(key=fault)
        s.dial(key="device_off")        # told again, and not counted
    crm.ctl("client", "change", crm.id, crm.web_id, "--monthly-limit", "4")
    refused(s.dial(), 429, "limit_reached", ORIGIN)
    refused(crm.init(origin="https://evil.example"), 403, "origin_not_allowed")
    refused(crm.init(key="x"), 401, "invalid_api_key", ORIGIN)
    refused(crm.init(token="x"), 401, "invalid_agent_token", ORIGIN)
    refused(crm.init("nobody"), 403, "agent_unknown", ORIGIN)
    assert s.post("end").status == 200
    refused(s.dial(), 401, "session_revoked", ORIGIN)
    crm.ctl("app", "disable", crm.id)
    refused(crm.init(), 403, "account_inactive", ORIGIN)
    after = counted()
    assert {k: n - before[k] for k, n in after.items()} == {
        ("sessions",): 1, ("calls", "placed"): 2, ("calls", "refused"): 1, ("calls", "unknown"): 2, ("calls", "later"): 1,
        ("refused", "limit"): 1, ("refused", "origin"): 1, ("refused", "key"): 1, ("refused", "agent"): 2, ("refused", "session"): 1,
        ("refused", "account"): 1}
    shown = subprocess.run([ringd.BIN / "ringctl", "status", "--admin", f"127.0.0.1:{d.admin}"], capture_output=True, text=True, timeout=20,
                           check=False).stdout
    assert "\nribbons: " in shown and f"\nribbon calls: {after['calls', 'placed']:.0f} placed, " in shown, shown


def test_an_agent_with_a_phone_in_the_page(crm, sim):
    crm.add_phone()
    s = crm.session("erin")
    assert s.data["mode"] == "webrtc"
    assert s.data["sip"] == {"user": "erin1a2b", "domain": f"{exotel_sim.ACCOUNT}.voip.exotel.com", "server": "wss://voip.in1.exotel.com:443/wss"}
    a = s.dial()
    assert a.status == 201 and a.json["data"]["mode"] == "webrtc" and sim.count("outbound_call") == 1, a


def test_the_list_is_the_agents_own(pg, d, crm, sim):
    crm.add_agent("fay")
    s, other = crm.session(), crm.session("fay")
    stranger = Linked(pg, d).session()
    ids = [s.dial().json["data"]["id"] for _ in range(3)]
    assert [c["id"] for c in s.get("calls").json["data"]] == ids[::-1]
    assert [c["id"] for c in s.get("calls?limit=2").json["data"]] == ids[:0:-1]
    assert crm.session().get("calls").json["data"][0]["id"] == ids[2]           # another session of the same agent
    for who in (other, stranger):
        assert who.get("calls").json["data"] == []
        refused(who.get(f"calls/{ids[0]}"), 404, "not_found", ORIGIN)
        for path, body in (("end", {}), ("state", {"held": True}), ("note", {"note": "x"})):
            refused(who.post(f"calls/{ids[0]}/{path}", body), 404, "not_found", ORIGIN)
    for query in ("limit=0", "limit=201", "limit=x", "limit=", "page=2"):
        refused(s.get("calls?" + query), 400, "invalid_parameter", ORIGIN)
    refused(s.get("calls?limit=%zz"), 400, "malformed_query", ORIGIN)
    refused(s.get(f"calls/{uuid.uuid4()}"), 404, "not_found", ORIGIN)
    refused(s.get("calls/x"), 404, "not_found", ORIGIN)


def test_a_call_that_came_is_the_agents_own_and_costs_nothing(crm, sim):
    crm.add_phone()
    crm.add_phone("fay")
    s, other = crm.session("erin"), crm.session("fay")
    said = {"call_sid": "came-1", "phone_number": "09812345678"}
    a = s.post("incoming", said)
    assert a.status == 200 and a.json["data"]["state"] == "placed", a
    call = a.json["data"]["id"]
    assert [x.post("incoming", said).json["data"]["id"] for x in (s, crm.session("erin"))] == [call, call]
    theirs = other.post("incoming", {"call_sid": "came-1"}).json["data"]["id"]      # rang there too
    assert theirs != call and [c["id"] for c in other.get("calls").json["data"]] == [theirs]
    refused(other.post(f"calls/{call}/note", {"note": "x"}), 404, "not_found", ORIGIN)
    assert s.post(f"calls/{call}/state", {"held": True}).status == 200
    assert s.post(f"calls/{call}/note", {"disposition": "Call back", "note": "at noon"}).status == 200
    assert s.post(f"calls/{call}/end", {"reason": "they_hung_up"}).json["data"]["state"] == "ended"
    [got] = s.get("calls").json["data"]
    assert (got["id"], got["direction"], got["phone_number"], got["call_sid"], got["held"], got["disposition"], got["note"], got["end_reason"]) == \
        (call, "inbound", "09812345678", "came-1", True, "Call back", "at noon", "they_hung_up")
    assert left(sim) == 0 and crm.usage() == [] and crm.calls("direction") == [("inbound",)] * 2
    dialled = s.dial().json["data"]                 # one's own call is no other for having come
    assert s.post("incoming", {"call_sid": dialled["call_sid"]}).json["data"]["id"] == dialled["id"]
    assert s.get(f"calls/{dialled['id']}").json["data"]["direction"] == "outbound" and crm.usage() == [(1, 0)]


def test_sixteen_times_told_it_came_once(crm, sim):
    s, ids = crm.session(), []
    threads = [threading.Thread(target=lambda: ids.append(s.post("incoming", {"call_sid": "came-2"}).json["data"]["id"])) for _ in range(16)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert len(ids) == 16 and len(set(ids)) == 1 and len(crm.calls()) == 1


@pytest.mark.parametrize("body,code", [
    ("", "invalid_json"), ("{}", "invalid_parameter"), ({"call_sid": ""}, "invalid_parameter"), ({"call_sid": 7}, "invalid_parameter"),
    ({"call_sid": "x" * 256}, "invalid_parameter"), ({"call_sid": "x", "phone_number": 7}, "invalid_phone_number"),
    ({"call_sid": "x", "phone_number": "9" * 256}, "invalid_phone_number"), ({"call_sid": "x", "state": "ended"}, "invalid_parameter"),
])
def test_what_is_malformed_about_a_call_that_came(shared, body, code):
    s, _ = shared
    refused(s.post("incoming", body), 400, code, ORIGIN)
    assert s.crm.calls("direction") == [("outbound",)]


def test_what_an_agent_says_of_a_call(crm, sim):
    s = crm.session()
    path = f"calls/{s.dial().json['data']['id']}"
    assert s.post(path + "/state", {"held": True}).status == 200
    assert s.post(path + "/state", {"muted": True}).status == 200
    got = s.get(path).json["data"]
    assert got["held"] is True and got["muted"] is True
    assert s.post(path + "/state", {"held": False, "muted": None}).status == 200
    assert s.post(path + "/note", {"disposition": "Sold", "note": "three of them ✓"}).status == 200
    assert s.post(path + "/note", {"note": "four"}).status == 200
    a = s.post(path + "/end", {"reason": "customer hung up"})
    assert a.status == 200 and a.json["data"]["state"] == "ended", a
    assert s.post(path + "/end", {"reason": "again"}).status == 200 and s.post(path + "/end").status == 200
    got = s.get(path).json["data"]
    assert (got["state"], got["end_reason"], got["held"], got["muted"]) == ("ended", "customer hung up", False, True)
    assert (got["disposition"], got["note"]) == ("Sold", "four") and got["ended_at"]
    assert crm.calls("logged_at IS NOT NULL") == [(True,)]


@pytest.mark.parametrize("path,body,code", [
    ("state", "", "invalid_json"), ("state", "{}", "invalid_parameter"), ("state", {"held": "true"}, "invalid_parameter"),
    ("state", {"held": 1}, "invalid_parameter"), ("state", {"hold": True}, "invalid_parameter"), ("state", {"held": None}, "invalid_parameter"),
    ("note", "{}", "invalid_parameter"), ("note", {"disposition": "sold"}, "invalid_disposition"), ("note", {"disposition": 1}, "invalid_disposition"),
    ("note", {"note": "x" * 4001}, "invalid_note"), ("note", {"note": ["x"]}, "invalid_note"), ("note", {"text": "x"}, "invalid_parameter"),
    ("end", {"reason": "x" * 256}, "invalid_parameter"), ("end", {"reason": 5}, "invalid_parameter"), ("end", "[]", "invalid_json"),
])
def test_what_is_malformed_about_a_call(shared, path, body, code):
    s, call = shared
    refused(s.post(f"calls/{call}/{path}", body), 400, code, ORIGIN)


@pytest.fixture(scope="module")
def shared(pg, d, sim):
    s = Linked(pg, d).session()
    return s, s.dial().json["data"]["id"]


@pytest.mark.parametrize("body,code", [
    ("", "invalid_json"), ("{", "invalid_json"), ("[]", "invalid_json"), (b"\xff", "invalid_json"), ("{}", "invalid_phone_number"),
    ({"phone_number": "09876543210"}, "invalid_phone_number"), ({"phone_number": "+0919876543210"}, "invalid_phone_number"),
    ({"phone_number": "+91 98765 43210"}, "invalid_phone_number"), ({"phone_number": "+9198765432101234"}, "invalid_phone_number"),
    ({"phone_number": 919876543210}, "invalid_phone_number"), ({"phone_number": NUMBER + "\n"}, "invalid_phone_number"),
    ({"phone_number": "+9198765\u0664\u0663\u0662\u0661"}, "invalid_phone_number"), ({"phone_number": "sip:x@y"}, "invalid_phone_number"),
    ({"phone_number": NUMBER, "context": "x" * 2001}, "invalid_context"), ({"phone_number": NUMBER, "context": {"a": 1}}, "invalid_context"),
    ({"phone_number": NUMBER, "number": "x"}, "invalid_parameter"), ('{"phone_number":"+919876543210","phone_number":"+15550142233"}', "invalid_parameter"),
    ({"phone_number": NUMBER, "idempotency_key": "a b"}, "invalid_idempotency_key"), ({"phone_number": NUMBER, "idempotency_key": ""}, "invalid_idempotency_key"),
])
def test_what_is_malformed_is_refused(shared, sim, body, code):
    s, _ = shared
    before = s.crm.usage()
    refused(s.post("calls", body), 400, code, ORIGIN)
    assert left(sim) == 0 and s.crm.usage() == before


def test_too_large_a_body(shared):
    s, _ = shared
    assert s.dial(context="x" * 20000).status == 413


def test_the_same_key_is_the_same_call(crm, sim):
    s = crm.session()
    first, second = s.dial(key="deal-17"), s.dial(key="deal-17")
    third = crm.session().dial(idempotency_key="deal-17")
    assert (first.status, second.status, third.status) == (201, 201, 201) and first.json == second.json == third.json
    assert "idempotent-replayed" not in first.headers and second.headers["idempotent-replayed"] == "true"
    refused(s.dial("+919876543211", key="deal-17"), 422, "idempotency_key_reused", ORIGIN)
    refused(s.dial(key="deal-17", context="x"), 422, "idempotency_key_reused", ORIGIN)
    refused(s.dial(key="one", idempotency_key="two"), 400, "invalid_idempotency_key", ORIGIN)
    assert left(sim) == 1 and crm.usage() == [(1, 0)] and len(crm.calls()) == 1 and len(crm.audit("ribbon.dial")) == 1
    crm.add_agent("fay")
    assert crm.session("fay").dial(key="deal-17").json["data"]["id"] != first.json["data"]["id"]    # each agent's keys are their own
    assert s.dial(key="deal-18").status == 201 and crm.usage() == [(3, 0)]


def test_sixteen_at_once_place_one_call(crm, sim):
    s, answers = crm.session(), []
    sim.misbehave(connect="slow")
    threads = [threading.Thread(target=lambda: answers.append(s.dial(key="double-click"))) for _ in range(16)]
    for t in threads:
        t.start()
    for t in threads:
        t.join(40)
    assert left(sim) == 1 and crm.usage() == [(1, 0)] and len(crm.calls()) == 1
    assert [a.status for a in answers] == [201] * 16 and len({a.json["data"]["id"] for a in answers}) == 1, answers
    assert len(crm.audit("ribbon.dial")) == 1


@pytest.mark.parametrize("fault,status,code,state,used", [
    ("device_off", 409, "agent_device_off", "failed", 0), ("agent_busy", 409, "agent_busy", "failed", 0),
    ("402", 503, "exotel_balance", "failed", 0), ("400", 400, "dial_refused", "failed", 0), ("403", 502, "exotel_failed", "failed", 0),
    ("500", 502, "exotel_failed", "failed", 1), ("lost", 504, "dial_unknown", "sent", 1),
])
def test_what_exotel_says_is_told_and_stays(crm, sim, fault, status, code, state, used):
    crm.add_phone()
    s = crm.session("erin")
    sim.misbehave(outbound_call=fault)
    refused(s.dial(key="k"), status, code, ORIGIN)
    assert [r[0] for r in crm.calls()] == [state] and crm.usage() == [(used, 0)]
    sent = left(sim)
    again = s.dial(key="k")
    refused(again, status, code, ORIGIN)
    assert again.headers["idempotent-replayed"] == "true" and left(sim) == sent and crm.usage() == [(used, 0)]


def test_what_did_nothing_costs_nothing_and_may_be_asked_again(crm, sim):
    s = crm.session()
    sim.set(retry_after=2)
    sim.misbehave(times=9, connect="503")
    a = s.dial(key="k")
    refused(a, 503, "exotel_unavailable", ORIGIN)
    assert int(a.headers["retry-after"]) > 0 and crm.calls() == [("refused", "unreachable")] and crm.usage() == [(0, 0)]
    refused(s.dial(), 503, "exotel_unavailable", ORIGIN)
    assert crm.calls()[1] == ("failed", "unreachable") and crm.usage() == [(0, 0)]
    sim.sim.faults.clear()
    answers = []

    def ask():
        answers.append(s.dial(key="k"))
        return answers[-1].status == 201
    wait_for("a good answer", ask, 30, 0.3)
    assert crm.usage() == [(1, 0)] and crm.calls()[0] == ("placed", None) and len(crm.calls()) == 2
    assert crm.calls("id")[0][0] == answers[-1].json["data"]["id"]


def test_too_many_at_once(crm, sim):
    s = crm.session()
    sim.set(retry_after=1)
    sim.misbehave(connect="429")
    a = s.dial()
    refused(a, 429, "dial_limit", ORIGIN)
    assert a.headers["retry-after"] == "1" and crm.usage() == [(0, 0)]
    time.sleep(1.1)     # one account for all here


def test_a_month_has_an_end(pg, d, sim):
    crm = Linked(pg, d, limit=2)
    s = crm.session()
    assert [s.dial().status for _ in range(2)] == [201, 201]
    refused(s.dial(key="third"), 429, "limit_reached", ORIGIN)
    refused(s.dial(key="third"), 429, "limit_reached", ORIGIN)
    refused(crm.init(), 429, "limit_reached", ORIGIN)
    assert left(sim) == 2 and crm.usage() == [(2, 2)] and crm.calls()[2:] == [("refused", "limit_reached")]
    assert [json.loads(r[3]) for r in crm.audit("ribbon.refused") if r[0].startswith("session:")] == [{"code": "limit_reached"}] * 2
    crm.ctl("client", "change", crm.id, crm.web_id, "--monthly-limit", "3")
    assert s.dial(key="third").status == 201 and crm.usage() == [(3, 2)]           # nothing had been done for it: now it is
    refused(s.dial(), 429, "limit_reached", ORIGIN)
    crm.sql("UPDATE usage SET month = '2020-01' WHERE app_id = %s", crm.id)        # and the next month begins at nothing
    assert s.dial().status == 201 and crm.session().data["usage"]["used"] == 1


def test_a_page_may_ask_for_its_own_keys_usage(pg, d, sim):
    crm = Linked(pg, d, limit=3)
    crm.new_client("https://other.example")
    s = crm.session()
    assert s.dial().status == 201
    a = s.get("usage")
    assert a.status == 200 and a.headers["access-control-allow-origin"] == ORIGIN
    [client] = a.json["data"]["clients"]
    assert (client["key_id"], client["used"], client["limit"], client["refused"]) == (crm.web_id, 1, 3, 0)
    assert s.get("usage?month=2020-01").json["data"] == {"month": "2020-01", "clients": [{**client, "used": 0}]}
    for query, code in (("month=x", "invalid_parameter"), ("month=2026-13", "invalid_parameter"),
                        ("month=2026-01&month=2026-02", "invalid_parameter"), ("day=1", "unknown_parameter")):
        refused(s.get("usage?" + query), 400, code, ORIGIN)
    refused(s.get("usage", headers={"Authorization": "Bearer x"}), 401, "invalid_session", ORIGIN)
    assert len(d.get("/api/ribbon/usage", crm.key).json["data"]["clients"]) == 2     # the server's view


def test_no_limit_counts_all_the_same(crm, sim):
    s = crm.session()
    assert s.data["usage"]["limit"] is None and s.dial().status == 201 and crm.usage() == [(1, 0)]


def test_marks_are_told_once(pg, d, sim):
    crm = Linked(pg, d, limit=20)
    s = crm.session()
    assert [s.dial().status for _ in range(20)] == [201] * 20
    marks = [(r[1], r[2], json.loads(r[3])["used"]) for r in crm.audit("usage.80", "usage.95", "usage.100")]
    assert marks == [("usage.80", f"key:{crm.web_id}", 16), ("usage.95", f"key:{crm.web_id}", 19), ("usage.100", f"key:{crm.web_id}", 20)]
    assert d.text().count(f"key={crm.web_id}") == 3 and "a browser key's calls of this month are used up so far" in d.text()


def dial_all(crm, sessions, n, port=None):
    answers = []

    def go(k):
        try:
            answers.append(sessions[k % len(sessions)].dial(f"+9198765{k:05d}", key=f"p{k}", port=port))
        except OSError:
            answers.append(None)                # its worker was killed
    threads = [threading.Thread(target=go, args=(k,)) for k in range(n)]
    for t in threads:
        t.start()
    return threads, answers


def test_64_at_once_against_10_left(pg, d, sim):
    """Exactly ten leave the courier."""
    crm = Linked(pg, d, limit=12)
    sessions = [crm.session() for _ in range(4)]
    assert [sessions[0].dial().status for _ in range(2)] == [201, 201]
    threads, answers = dial_all(crm, sessions, 64)
    for t in threads:
        t.join(60)
    assert sorted(a.status for a in answers) == [201] * 10 + [429] * 54, answers
    assert {a.json["code"] for a in answers if a.status == 429} == {"limit_reached"}
    assert left(sim) == 12 and crm.usage() == [(12, 54)]
    assert sorted(crm.calls()) == [("placed", None)] * 12 + [("refused", "limit_reached")] * 54


def test_64_at_once_and_a_worker_dies(pg, new_daemon, sim):
    """Never more than ten, and whoever asks again with the same keys gets what is left."""
    x = daemon_for(new_daemon, sim, workers=3)
    crm = Linked(pg, x, limit=10)
    sessions = [crm.session() for _ in range(4)]
    sim.misbehave(times=100, connect="slow")
    for round_ in range(3):
        victim = x.pids("worker")[0]
        threads, answers = dial_all(crm, sessions, 64)
        time.sleep(0.02 * (round_ + 1))
        os.kill(victim, signal.SIGKILL)
        for t in threads:
            t.join(60)
        assert left(sim) <= 10 and crm.usage()[0][0] <= 10
        wait_for("the next worker", lambda v=victim: len(x.pids("worker")) == 3 and v not in x.pids("worker"))
    sim.sim.faults.clear()
    threads, answers = dial_all(crm, sessions, 64)
    for t in threads:
        t.join(60)
    placed = [a for a in answers if a is not None and a.status == 201]
    assert len(placed) == 10 and left(sim) == 10 and crm.usage()[0][0] == 10, (left(sim), crm.usage(), answers)
    assert sorted(c[0] for c in crm.calls()) == ["placed"] * 10 + ["refused"] * 54
    assert x.stop() == 0


def test_the_courier_killed_in_the_middle(crm, d, sim):
    """Nobody knows what became of it, and that is what is said; nobody asks Exotel twice, and the quota keeps it."""
    s, answers = crm.session(), []
    sim.misbehave(connect="slow")
    t = threading.Thread(target=lambda: answers.append(s.dial(key="k")))
    t.start()
    wait_for("the request", lambda: [r[0] for r in crm.calls()] == ["sent"])
    os.kill(d.pids("courier")[0], signal.SIGKILL)
    t.join(30)
    refused(answers[0], 504, "dial_unknown", ORIGIN)
    wait_for("the next courier", lambda: request(d.admin, "GET", "/keyring").status == 200, 30)
    assert s.dial(key="k").status in (409, 504) and crm.usage() == [(1, 0)] and len(crm.calls()) == 1


def test_somebody_else_is_at_it(crm, d, sim):
    s = crm.session()
    assert s.dial(key="theirs").status == 201
    crm.sql("UPDATE ribbon_calls SET state = 'sent', sent_at = now(), provider_call_id = NULL, error = NULL WHERE app_id = %s", crm.id)
    a = s.dial(key="theirs")
    refused(a, 409, "dial_pending", ORIGIN)
    assert int(a.headers["retry-after"]) > 0 and left(sim) == 1


def test_an_account_switched_off_in_the_middle(crm, sim):
    s = crm.session()
    crm.sql("UPDATE exotel_accounts SET is_active = false WHERE app_id = %s", crm.id)
    refused(s.dial(), 403, "account_inactive", ORIGIN)
    assert left(sim) == 0 and crm.usage() == [(0, 0)]


# ---------------------------------------------------------------- signatures

def challenge(**changes):
    return {"method": "REGISTER", "uri": f"sip:{exotel_sim.ACCOUNT}.voip.exotel.com", "realm": f"{exotel_sim.ACCOUNT}.voip.exotel.com",
            "nonce": "abc", "algorithm": "MD5", **changes}


def test_a_signature(crm, d):
    crm.add_phone()
    s = crm.session("erin")
    a = s.post("sign", challenge())
    assert a.status == 200 and a.json["data"]["authorization"].startswith('Digest username="erin1a2b"'), a
    assert exotel_sim.SIP_SECRET not in a.body.decode() and exotel_sim.SIP_SECRET not in d.text()
    for change, status, code in (({"realm": "evil.example"}, 403, "sip_realm_refused"), ({"uri": "sip:evil.example"}, 403, "sip_uri_refused"),
                                 ({"method": "INVITE"}, 403, "sip_method_refused"), ({"algorithm": "SHA-256"}, 400, "sip_algorithm_refused")):
        refused(s.post("sign", challenge(**change)), status, code, ORIGIN)
    for body, code in (("{", "invalid_json"), ({**challenge(), "password": "x"}, "invalid_parameter"),
                       ('{"method":"REGISTER","method":"INVITE"}', "invalid_parameter")):
        refused(s.post("sign", body), 400, code, ORIGIN)
    refused(crm.session().post("sign", challenge()), 403, "account_inactive", ORIGIN)      # an agent without SIP
    answers = [s.post("sign", challenge(nonce=f"n{k}")) for k in range(31)]
    assert 429 in [a.status for a in answers], "thirty a minute"
    refused(answers[-1], 429, "sign_limit", ORIGIN)
    assert int(answers[-1].headers["retry-after"]) > 0
    crm.ctl("session", "revoke", crm.id, s.id)
    refused(s.post("sign", challenge()), 401, "session_revoked", ORIGIN)


@pytest.mark.parametrize("opaque", [1100, 9000, 16000])
def test_a_challenge_that_is_too_long_is_the_pages_fault(d, shared, opaque):
    before = d.text().count("could not sign")
    refused(shared[0].post("sign", challenge(opaque="x" * opaque)), 400, "sip_algorithm_refused", ORIGIN)
    assert d.text().count("could not sign") == before


# ---------------------------------------------------------------- housekeeping

def test_old_rows_are_forgotten(pg, new_daemon, sim):
    x = new_daemon()
    x.write(**exotel_sim.settings(sim, x.port, key_ring(x.base)))
    crm = Linked(pg, x)
    crm.sql("INSERT INTO ribbon_sessions (app_id, id, token_hash, key_id, agent, origin, created_at, expires_at) SELECT %s, gen_random_uuid(), "
            "sha256(n::text::bytea), %s, gen_random_uuid(), 'x', now() - n * interval '20 hours', now() - n * interval '20 hours' "
            "FROM generate_series(0, 3) n", crm.id, crm.web_id)
    crm.sql("INSERT INTO ribbon_session_lookup SELECT token_hash, app_id, created_at FROM ribbon_sessions")
    crm.sql("INSERT INTO ribbon_calls (app_id, id, session_id, key_id, agent, phone_number, mode, month, created_at) SELECT %s, gen_random_uuid(), "
            "gen_random_uuid(), %s, gen_random_uuid(), '+1', 'callback', '2020-01', now() - n * interval '400 days' FROM generate_series(0, 3) n",
            crm.id, crm.web_id)
    x.start()
    wait_for("the sweep", lambda: crm.sql("SELECT (SELECT count(*) FROM ribbon_sessions), (SELECT count(*) FROM ribbon_session_lookup), "
                                          "(SELECT count(*) FROM ribbon_calls)") == [(2, 2, 1)], 20)
    assert x.stop() == 0
