"""The courier's half of the ribbon: calls at Exotel, one request at most for each; the quota gets back what did nothing, once; SIP challenges
are answered for good sessions only, each written down before the answer."""
import hashlib
import json
import os
import pty
import re
import threading
import time
import uuid

import pytest

import ringd
import sealing
from courier_line import RIBBON_DIAL, RIBBON_LINE, RIBBON_SIGN, Line
from dialpad_sim import key_ring
from exotel_sim import ACCOUNT, API_KEY, API_TOKEN, APP_TOKEN, CALLER_ID, SIP_SECRET, Exotel, add_agent, credentials, exotel, link, settings
from prometheus import scrape
from ringd import request, wait_for

pytestmark = pytest.mark.skipif(os.getuid() != 0, reason="needs root to take a worker's place on the line")

NUMBER, DOMAIN = "+919812345678", "acme1.voip.exotel.com"


@pytest.fixture(scope="module")
def sim():
    s = Exotel()
    yield s
    s.stop()


@pytest.fixture(scope="module")
def d(new_daemon, sim):
    x = new_daemon()
    s = settings(sim, x.port, key_ring(x.base), sign_rate="5")
    s["courier"].update(timeout="4s", connect_timeout="2s")
    x.write(webhooks={"refresh": "100ms"}, **s)
    x.start()
    yield x
    assert x.stop() == 0, x.text()[-3000:]
    assert "Sanitizer" not in x.text() and "runtime error:" not in x.text()


@pytest.fixture(autouse=True)
def calm(sim):
    sim.set(rate=100000, slow_seconds=3, app_hook=None, retry_after=None, auto=None, early=False, double=False, one_call=False)
    sim.sim.devices_off.clear()
    yield
    sim.sim.forget()


@pytest.fixture
def line(d):
    x = Line(d.pids("worker")[0])
    yield x
    x.close()


class App:
    """An app with an account, an agent for each way of calling, a browser key and a session of the first agent."""

    def __init__(self, pg, d, linked=True, ringctl=True, **credentials_):
        self.pg, self.d, self.dsn = pg, d, pg.dsn(d.database)
        if ringctl:
            self.id = ringd.ringctl("app", "create", f"Exotel {time.monotonic_ns()}", database=self.dsn)["id"]
            if linked:
                self.linked = link(d, self.dsn, self.id, **credentials_)
            self.agent = add_agent(d, self.dsn, self.id)["id"]
            self.caller = add_agent(d, self.dsn, self.id, "agent8", "callback", phone="+919800000008")["id"]
        else:
            self.write()
        self.key, self.month = str(uuid.uuid4()), "2026-11"
        self.sql("INSERT INTO api_keys (app_id, id, key_hash, kind, scopes, prefix, last4) VALUES (%s, %s, sha256(%s), 'browser', 'ribbon', 'web_abcd', 'wxyz')",
                 self.id, self.key, self.key.encode())
        self.session = self.new_session()

    def write(self):
        """The rows as ringctl writes them, by another implementation and in a moment."""
        self.id, account, self.agent, self.caller = (str(uuid.uuid4()) for _ in range(4))
        self.linked = {"hook_url": "https://cti.example/webhooks/exotel/hk_x"}
        ring = sealing.read_ring(self.d.base / "keys")
        own = json.dumps({"account_sid": ACCOUNT, "app_token": APP_TOKEN, "exotel_app_id": "app-1", "customer_id": "c-1", "api_key": API_KEY, "api_token": API_TOKEN,
                          "hook_url": self.linked["hook_url"]})
        agent = json.dumps({"exotel_user_id": "agent7", "sip_user": "ashar9f2c", "sip_secret": SIP_SECRET})
        self.sql("INSERT INTO apps (id, name) VALUES (%s, %s)", self.id, f"Exotel {self.id}")
        self.sql("INSERT INTO exotel_accounts (app_id, id, credentials, caller_id, linked_at) VALUES (%s, %s, %s, %s, now())", self.id, account,
                 sealing.seal(ring, 1, "exotel_accounts", "credentials", self.id, account, own), CALLER_ID)
        for row, name, phone, mode, record in ((self.agent, "agent7", "+919800000001", "webrtc", sealing.seal(ring, 1, "ribbon_agents", "credentials", self.id,
                                                self.agent, agent)), (self.caller, "agent8", "+919800000008", "callback", None)):
            self.sql("INSERT INTO ribbon_agents (app_id, id, agent_id, name, phone, mode, credentials, created_at, updated_at) VALUES "
                     "(%s, %s, %s, 'Asha Rao', %s, %s, %s, now(), now())", self.id, row, name, phone, mode, record)

    def sql(self, text, *values):
        with self.pg.connect(self.d.database) as c, c.cursor() as q:
            q.execute(text, values)
            return q.fetchall() if q.description else q.rowcount

    def new_session(self, agent=None):
        session = str(uuid.uuid4())
        self.sql("INSERT INTO ribbon_sessions (app_id, id, token_hash, key_id, agent, origin, created_at, expires_at) VALUES (%s, %s, sha256(%s), %s, %s, "
                 "'https://acme.example', now(), now() + interval '15 minutes')", self.id, session, session.encode(), self.key, agent or self.agent)
        return session

    def wish(self, mode="webrtc", number=NUMBER, key=None):
        """A row as a worker writes it, and its place in the quota."""
        call = str(uuid.uuid4())
        self.sql("INSERT INTO usage (app_id, key_id, month, used, updated_at) VALUES (%s, %s, %s, 1, now()) ON CONFLICT (app_id, key_id, month) "
                 "DO UPDATE SET used = usage.used + 1", self.id, self.key, self.month)
        self.sql("INSERT INTO ribbon_calls (app_id, id, session_id, key_id, agent, idempotency_key, phone_number, mode, month, state, created_at) "
                 "VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, 'asked', now())", self.id, call, self.session, self.key,
                 self.agent if mode == "webrtc" else self.caller, key, number, mode, self.month)
        return call

    def again(self, call):
        """What a worker does with the row of a call that is asked for anew."""
        self.sql("UPDATE usage SET used = used + 1 WHERE app_id = %s", self.id)
        return self.sql("UPDATE ribbon_calls SET state = 'asked', error = NULL WHERE app_id = %s AND id = %s AND state = 'refused'", self.id, call)

    def call(self, call):
        [row] = self.sql("SELECT state, provider_call_id, error FROM ribbon_calls WHERE app_id = %s AND id = %s", self.id, call)
        return row

    def used(self):
        rows = self.sql("SELECT used FROM usage WHERE app_id = %s", self.id)
        return rows[0][0] if rows else 0

    def audit(self, action):
        return self.sql("SELECT actor, subject, detail FROM audit_log WHERE app_id = %s AND action = %s ORDER BY seq", self.id, action)


@pytest.fixture
def app(pg, d):
    return App(pg, d, ringctl=False)


@pytest.fixture
def by_hand(pg, d):
    """As an administrator makes it."""
    return App(pg, d)


# ---- who an agent is

def test_who_an_agent_is_at_sip(line, app):
    assert line.ask(RIBBON_LINE, app.id, app.agent) == {"outcome": "ok", "user": "ashar9f2c", "domain": DOMAIN, "server": "wss://voip.in1.exotel.com:443/wss"}
    assert line.ask(RIBBON_LINE, app.id, app.caller)["outcome"] == "not_linked"
    assert line.ask(RIBBON_LINE, app.id, str(uuid.uuid4()))["outcome"] == "agent_unknown"
    assert line.answer(line.send(RIBBON_LINE, app.id, "x"))[0] == "invalid"
    ringd.ringctl("agent", "disable", app.id, "agent7", database=app.dsn)
    assert line.ask(RIBBON_LINE, app.id, app.agent)["outcome"] == "inactive"


def test_without_an_account(pg, d, line):
    app = App(pg, d, linked=False)
    assert line.ask(RIBBON_LINE, app.id, app.agent)["outcome"] == "not_linked"
    assert line.ask(RIBBON_DIAL, app.id, app.wish())["outcome"] == "not_linked"
    assert app.used() == 0


# ---- calls

def test_a_call_rings_the_agent(line, app, sim):
    call = app.wish()
    a = line.ask(RIBBON_DIAL, app.id, call)
    assert a["outcome"] == "placed" and re.fullmatch("[0-9a-f]{32}", a["call_sid"]) and a["wait_ms"] == -1
    assert app.call(call) == ("placed", a["call_sid"], None) and app.used() == 1
    there = sim.call(a["call_sid"])
    assert (there["mode"], there["agent"], there["to"]) == ("webrtc", "agent7", NUMBER)
    assert app.audit("credential.use") == [("courier", f"call:{call}", '{"credential":"app_token"}')]
    assert app.audit("ribbon.dial_failed") == []
    assert request(sim.port, "GET", "/sim/next-call").json == {"call_sid": a["call_sid"], "sip_user": "ashar9f2c", "to": NUMBER}
    assert request(sim.port, "GET", "/sim/next-call?wait_ms=1").status == 204


def test_its_answers_are_counted_as_exotel_s(d, line, app, sim):
    def answers(provider):
        return {dict(labels)["outcome"]: n for (name, labels), n in scrape(d.admin).samples.items()
                if name == "ringd_provider_requests_total" and dict(labels)["provider"] == provider}
    before, others = answers("exotel"), answers("dialpad")
    assert line.ask(RIBBON_DIAL, app.id, app.wish())["outcome"] == "placed"
    assert answers("exotel") == {**before, "ok": before["ok"] + 1} and answers("dialpad") == others
    assert d.status()["totals"]["exotel_ok"] == before["ok"] + 1


def test_a_call_rings_a_telephone(line, app, sim):
    call = app.wish("callback")
    a = line.ask(RIBBON_DIAL, app.id, call)
    assert a["outcome"] == "placed", a
    assert app.call(call)[:2] == ("placed", a["call_sid"])
    assert sim.call(a["call_sid"])["asked"] == {
        "From": "+919800000008", "To": NUMBER, "CallerId": CALLER_ID, "CallType": "trans", "CustomField": f"ringd:{call}",
        "StatusCallback": app.linked["hook_url"], "StatusCallbackEvents[0]": "terminal", "StatusCallbackEvents[1]": "answered",
        "StatusCallbackContentType": "application/json"}


@pytest.mark.parametrize("mode", ["webrtc", "callback"])
def test_callbacks_end_it(line, by_hand, sim, mode):
    """From the dial to Exotel's word that it is over, early, twice and late: the row, the quota and the call the API shows."""
    app = by_hand
    time.sleep(0.3)     # workers look for new hooks now and then
    sim.set(auto="talk", auto_ms=200, early=True, double=True, app_hook=app.linked["hook_url"])
    call = app.wish(mode)
    a = line.ask(RIBBON_DIAL, app.id, call)
    assert a["outcome"] == "placed"
    wait_for("the end", lambda: app.call(call)[0] == "ended")
    assert app.call(call)[1] == a["call_sid"] and app.used() == 1
    assert app.sql("SELECT provider, provider_call_id, status, direction FROM calls WHERE app_id = %s", app.id) == [("exotel", a["call_sid"], "ended", "outbound")]
    assert sim.count("callback.200") + sim.count("callback.202") + sim.count("callback.204") == sum(n for k, n in sim.sim.counts.items() if k.startswith("callback."))
    sim.set(app_hook=None)


def test_one_row_is_one_request(d, app, sim):
    """Sixteen ask at once for one call, from two workers' places, and again when it is done."""
    sim.misbehave(outbound_call="slow")
    call, answers, workers = app.wish(), [], d.pids("worker")
    lines = [Line(workers[i % 2]) for i in range(16)]

    def ask(x):
        answers.append(x.ask(RIBBON_DIAL, app.id, call, timeout_ms=20000))
        x.close()
    threads = [threading.Thread(target=ask, args=(x,)) for x in lines]
    for t in threads:
        t.start()
    for t in threads:
        t.join(40)
    # Whoever comes when it is done already hears that somebody had it, and looks at the row.
    assert len(answers) == 16 and len({a["call_sid"] for a in answers if a["outcome"] == "placed"}) == 1
    assert {a["outcome"] for a in answers} <= {"placed", "pending"}
    x = Line(d.pids("worker")[0])
    assert x.ask(RIBBON_DIAL, app.id, call)["outcome"] == "pending"
    x.close()
    assert sim.count("outbound_call") == 1 and sim.count("placed.webrtc") == 1 and app.used() == 1


@pytest.mark.parametrize("fault,outcome,state,used,code", [
    ("device_off", "device_off", "failed", 0, 1012), ("agent_busy", "agent_busy", "failed", 0, 10706), ("number", "refused", "failed", 0, 10725),
    ("401", "forbidden", "failed", 0, 401), ("403", "forbidden", "failed", 0, 403), ("402", "balance", "failed", 0, 402), ("404", "refused", "failed", 0, 404),
    ("code_401", "forbidden", "failed", 0, 401), ("code_500", "broken", "failed", 1, 500), ("500", "broken", "failed", 1, 500), ("503", "broken", "failed", 1, 503),
    ("429", "limit", "failed", 0, 429), ("garbage", "unknown", "sent", 1, 200), ("empty", "unknown", "sent", 1, 200), ("html", "unknown", "sent", 1, 200),
    ("garbled", "unknown", "sent", 1, 200), ("lost", "unknown", "sent", 1, 0), ("close", "unknown", "sent", 1, 0), ("hang", "unknown", "sent", 1, 0),
    ("huge", "unknown", "sent", 1, 0),
])
def test_what_exotel_says_is_told_and_counted(line, app, sim, fault, outcome, state, used, code):
    sim.misbehave(times=9, outbound_call=fault)
    call = app.wish()
    a = line.ask(RIBBON_DIAL, app.id, call)
    assert a["outcome"] == outcome and a["call_sid"] is None, a
    assert app.call(call) == (state, None, outcome) and app.used() == used
    assert app.audit("ribbon.dial_failed") == [("courier", call, json.dumps({"outcome": outcome, "code": code}, separators=(",", ":")))]
    assert line.ask(RIBBON_DIAL, app.id, call)["outcome"] == "pending"
    assert sim.count("outbound_call") == 1 and app.used() == used, "asked for again, nothing is sent and nothing given back twice"


@pytest.mark.parametrize("fault,outcome,used", [("500", "broken", 1), ("401", "forbidden", 0), ("402", "balance", 0), ("429", "limit", 0), ("garbage", "unknown", 1),
                                                ("lost", "unknown", 1)])
def test_what_the_voice_api_says(line, app, sim, fault, outcome, used):
    sim.misbehave(connect=fault)
    call = app.wish("callback")
    assert line.ask(RIBBON_DIAL, app.id, call)["outcome"] == outcome
    assert app.used() == used and sim.count("connect") == 1


def test_later_is_told_and_the_row_waits_for_whoever_has_its_key(line, app, sim):
    """With a key of the client's the same call may be asked for again, when it has taken its place in the quota anew."""
    sim.set(retry_after=4)
    sim.misbehave(outbound_call="429")
    call = app.wish(key="deal-17")
    a = line.ask(RIBBON_DIAL, app.id, call)
    assert (a["outcome"], a["wait_ms"]) == ("limit", 4000) and app.call(call) == ("refused", None, "limit") and app.used() == 0
    a = line.ask(RIBBON_DIAL, app.id, app.wish())
    assert a["outcome"] == "limit" and 2000 < a["wait_ms"] <= 4000 and app.used() == 0 and sim.count("outbound_call") == 1, "the pause holds for the account"
    wait_for("the pause to end", lambda: app.again(call) and line.ask(RIBBON_DIAL, app.id, call)["outcome"] == "placed", 10, 0.3)
    assert app.used() == 1 and sim.count("placed.webrtc") == 1


def test_exotel_cannot_be_reached(pg, new_daemon, sim, app, d):
    """Nothing was sent: nothing is counted."""
    x = new_daemon()
    s = settings(sim, x.port, key_ring(x.base), base_url=f"http://127.0.0.1:{ringd.free_port()}")
    x.write(**s)
    x.start()
    other = App(pg, x, ringctl=False)
    line = Line(x.pids("worker")[0])
    call = other.wish()
    assert line.ask(RIBBON_DIAL, other.id, call)["outcome"] == "unreachable"
    assert other.call(call) == ("failed", None, "unreachable") and other.used() == 0
    line.close()
    assert x.stop() == 0


def test_the_courier_killed_in_the_middle(d, app, sim):
    """Nobody knows what became of it: the row says so, costs, and keeps anybody from asking Exotel twice."""
    sim.misbehave(outbound_call="slow")
    call = app.wish()
    x = Line(d.pids("worker")[0])
    x.send(RIBBON_DIAL, app.id, call)
    wait_for("the request", lambda: sim.count("outbound_call") == 1 and app.call(call)[0] == "sent")
    os.kill(d.pids("courier")[0], 9)
    x.close()
    wait_for("the next courier", lambda: request(d.admin, "GET", "/keyring").status == 200, 30)
    x = Line(d.pids("worker")[0])
    assert x.ask(RIBBON_DIAL, app.id, call)["outcome"] == "pending"
    x.close()
    assert app.call(call) == ("sent", None, None) and app.used() == 1 and sim.count("outbound_call") == 1


def test_what_nobody_came_back_for_is_given_back(d, app, line, sim):
    """A worker killed between the row and the question; a client that was told to come again and did not."""
    old, waiting, fresh = app.wish(), app.wish(key="k"), app.wish()
    app.sql("UPDATE ribbon_calls SET created_at = now() - interval '16 minutes', error = CASE WHEN id = %s THEN 'limit' END WHERE id IN (%s, %s)", waiting, old, waiting)
    os.kill(d.pids("courier")[0], 9)
    wait_for("the next courier's look", lambda: app.call(old)[0] == "failed", 30)
    assert [app.call(c) for c in (old, waiting, fresh)] == [("failed", None, "unreachable"), ("failed", None, "limit"), ("asked", None, None)]
    assert app.used() == 1 and app.audit("ribbon.dial_failed") == [("courier", f"key:{app.key}", '{"outcome":"abandoned","calls":2}')]
    wait_for("the line", lambda: line_again(d, fresh, app) == "placed", 20, 0.5)


def test_many_are_given_back_a_thousand_at_a_time(pg, d, app):
    """Also by a plan made when there were none: that one found, and locked, all of them anew for each."""
    rows = ("INSERT INTO ribbon_calls (app_id, id, session_id, key_id, agent, phone_number, mode, month, state, created_at) "
            "SELECT %s, gen_random_uuid(), gen_random_uuid(), %s, %s, '+919812345678', 'webrtc', '2026-11', %s, now() - interval '20 minutes' "
            "FROM generate_series(1, %s)")
    app.sql(rows, app.id, app.key, app.agent, "ended", 20000)
    with pg.connect(d.database) as c:
        c.autocommit = True
        c.cursor().execute("VACUUM ANALYZE ribbon_calls")
    app.sql(rows, app.id, app.key, app.agent, "asked", 1500)
    app.sql("INSERT INTO usage (app_id, key_id, month, used, updated_at) VALUES (%s, %s, '2026-11', 1600, now())", app.id, app.key)
    os.kill(d.pids("courier")[0], 9)
    wait_for("the next courier's look", lambda: app.used() != 1600, 30)
    assert app.used() == 600 and app.sql("SELECT count(*) FROM ribbon_calls WHERE app_id = %s AND state = 'failed'", app.id) == [(1000,)]
    app.sql("DELETE FROM ribbon_calls WHERE app_id = %s", app.id)


def line_again(d, call, app):
    x = Line(d.pids("worker")[0])
    outcome = x.ask(RIBBON_DIAL, app.id, call)["outcome"]
    x.close()
    return outcome


def test_what_exotel_told_first_stays(line, app, sim):
    """A callback may overtake the answer: the call is over, and stays so, but learns its CallSid."""
    sim.misbehave(outbound_call="slow")
    sim.set(slow_seconds=1.5)
    call = app.wish()
    asked = line.send(RIBBON_DIAL, app.id, call)
    wait_for("the row", lambda: app.call(call)[0] == "sent")
    app.sql("UPDATE ribbon_calls SET state = 'ended', end_reason = 'completed' WHERE id = %s", call)
    sid = line.answer(asked)[1]["call_sid"]
    assert app.call(call) == ("ended", sid, None) and app.used() == 1


@pytest.mark.parametrize("what", ["app", "account", "agent"])
def test_what_is_switched_off_places_nothing(line, app, sim, what):
    table, row = {"app": ("apps", app.id), "account": ("exotel_accounts", None), "agent": ("ribbon_agents", app.agent)}[what]
    app.sql(f"UPDATE {table} SET is_active = false WHERE {'id = %s' if row else 'app_id = %s'}", row or app.id)
    call = app.wish()
    assert line.ask(RIBBON_DIAL, app.id, call)["outcome"] == "inactive" and app.used() == 0 and sim.count("outbound_call") == 0


def test_a_row_belongs_to_its_app(pg, d, line, app, sim):
    other = App(pg, d, ringctl=False)
    call = app.wish()
    assert line.ask(RIBBON_DIAL, other.id, call)["outcome"] == "pending"
    assert app.call(call)[0] == "asked" and sim.count("outbound_call") == 0


# ---- signatures

def md5(*parts):
    return hashlib.md5(":".join(parts).encode()).hexdigest()


def challenge(**changes):
    return {k: v for k, v in {"method": "REGISTER", "uri": f"sip:{DOMAIN}", "realm": DOMAIN, "nonce": "n0nce+/=", "algorithm": "MD5", "qop": "auth",
                              **changes}.items() if v is not None}


def sign(line, app, session=None, body=None, **changes):
    return line.ask(RIBBON_SIGN, app.id, session or app.session, body if body is not None else json.dumps(challenge(**changes)))


def fields(header):
    assert header.startswith("Digest ")
    return {k: v.strip('"') for k, v in re.findall(r'(\w+)=("[^"]*"|[^,]+)', header[7:])}


def expected(f, method="REGISTER"):
    a1, a2 = md5(f["username"], f["realm"], SIP_SECRET), md5(method, f["uri"])
    return md5(a1, f["nonce"], f["nc"], f["cnonce"], "auth", a2) if "qop" in f else md5(a1, f["nonce"], a2)


def test_a_challenge_is_answered(line, app):
    a = sign(line, app, opaque="o-1")
    f = fields(a["authorization"])
    assert a["outcome"] == "ok" and f == {"username": "ashar9f2c", "realm": DOMAIN, "nonce": "n0nce+/=", "uri": f"sip:{DOMAIN}", "response": expected(f),
                                          "algorithm": "MD5", "qop": "auth", "nc": "00000001", "cnonce": f["cnonce"], "opaque": "o-1"}
    assert re.fullmatch("[0-9a-f]{32}", f["cnonce"]) and SIP_SECRET not in a["authorization"]
    assert fields(sign(line, app)["authorization"])["cnonce"] != f["cnonce"]
    plain = fields(sign(line, app, qop=None, algorithm=None)["authorization"])
    assert plain["response"] == expected(plain) and "qop" not in plain and "cnonce" not in plain
    listed = fields(sign(line, app, qop="auth-int, auth")["authorization"])
    assert listed["qop"] == "auth" and listed["response"] == expected(listed)
    assert app.audit("ribbon.sign") == [(f"session:{app.session}", None, json.dumps({"method": "REGISTER", "realm": DOMAIN}, separators=(",", ":")))] * 4


@pytest.mark.parametrize("outcome,changes", [
    ("method", {"method": "INVITE"}), ("method", {"method": "register"}), ("realm", {"realm": "evil.example"}), ("realm", {"realm": DOMAIN.upper()}),
    ("uri", {"uri": "sip:evil.example"}), ("uri", {"uri": f"sip:{DOMAIN}@evil.example"}), ("uri", {"uri": f"sip:x@evil.example;{DOMAIN}"}),
    ("uri", {"uri": f"sip:evil.example:5060;maddr={DOMAIN}"}), ("uri", {"uri": f"http://{DOMAIN}"}), ("uri", {"uri": f"sip:{DOMAIN}?x@evil.example"}),
    ("uri", {"uri": f"sip:{DOMAIN}.evil.example"}), ("uri", {"uri": f"sip:a@{DOMAIN}@evil.example"}), ("uri", {"uri": f"<sip:{DOMAIN}>"}),
    ("uri", {"uri": f"sip:{DOMAIN};x@evil.example"}), ("uri", {"uri": f"sip:{DOMAIN}:5060@evil.example"}),
    ("algorithm", {"algorithm": "SHA-256"}), ("algorithm", {"algorithm": "MD5-sess"}), ("algorithm", {"qop": "auth-int"}), ("algorithm", {"nonce": 'a"b'}),
    ("algorithm", {"nonce": ""}), ("algorithm", {"nonce": None}), ("algorithm", {"nonce": "x\r\ny"}), ("algorithm", {"opaque": "\\"}),
])
def test_what_is_not_signed(line, app, outcome, changes):
    a = sign(line, app, **changes)
    assert (a["outcome"], a["authorization"]) == (outcome, None), a
    [(actor, _, detail)] = app.audit("ribbon.sign_refused")
    assert actor == f"session:{app.session}" and json.loads(detail)["code"] == outcome and app.audit("ribbon.sign") == []


@pytest.mark.parametrize("body", ["", "{", "[]", "null", '{"method":"REGISTER"}', "x" * 8000])
def test_what_is_no_challenge(line, app, body):
    assert sign(line, app, body=body)["outcome"] == "algorithm"


@pytest.mark.parametrize("how", ["session revoked", "session expired", "key revoked", "key expired", "agent disabled", "app disabled", "account inactive", "no such session",
                                 "another app's"])
def test_what_is_not_good_any_more_signs_nothing(pg, d, line, app, how):
    assert sign(line, app)["outcome"] == "ok"
    session, asker = app.session, app
    if how == "no such session":
        session = str(uuid.uuid4())
    elif how == "another app's":
        asker = App(pg, d, ringctl=False)
    else:
        app.sql({"session revoked": "UPDATE ribbon_sessions SET revoked_at = now()", "session expired": "UPDATE ribbon_sessions SET expires_at = now()",
                 "key revoked": "UPDATE api_keys SET revoked_at = now()", "key expired": "UPDATE api_keys SET expires_at = now()",
                 "agent disabled": "UPDATE ribbon_agents SET is_active = false", "account inactive": "UPDATE exotel_accounts SET is_active = false",
                 "app disabled": "UPDATE apps SET is_active = false"}[how] + (" WHERE id = %s" if how == "app disabled" else " WHERE app_id = %s"), app.id)
    a = sign(line, asker, session)
    assert (a["outcome"], a["authorization"]) == ("session", None)
    assert len(app.audit("ribbon.sign_refused")) == (0 if how in ("no such session", "another app's") else 1)


def test_so_many_signatures_a_minute(line, app):
    assert [sign(line, app)["outcome"] for _ in range(6)] == ["ok"] * 5 + ["limit"]
    assert 50000 < sign(line, app)["wait_ms"] <= 60010
    assert sign(line, app, app.new_session())["outcome"] == "ok", "each session has its own"
    assert len(app.audit("ribbon.sign")) == 6 and len(app.audit("ribbon.sign_refused")) == 2


def test_nothing_is_signed_that_cannot_be_written_down(line, app):
    assert sign(line, app)["outcome"] == "ok"
    with app.pg.connect(app.d.database, "postgres") as c, c.cursor() as q:
        q.execute("BEGIN; SELECT 1 FROM audit_heads WHERE app_id = %s FOR UPDATE", (app.id,))
        code, _ = line.answer(line.send(RIBBON_SIGN, app.id, app.session, json.dumps(challenge())))
        q.execute("ROLLBACK")
    assert code in ("database", "failed") and len(app.audit("ribbon.sign")) == 1


def test_a_password_of_their_own_and_a_realm(pg, d, line):
    app = App(pg, d, sip_realm="exotel", sip_domain="sip.example.com")
    a = sign(line, app, realm="exotel", uri="sip:sip.example.com;transport=wss")
    f = fields(a["authorization"])
    assert a["outcome"] == "ok" and f["response"] == expected(f)
    assert sign(line, app)["outcome"] == "realm"


# ---- agents

def agents(app, d):
    return {a["agent_id"]: a for a in ringd.ringctl("agent", "list", app.id, database=app.dsn, config=d.config)}


def sync(app, d, check=True):
    return ringd.ringctl("agent", "sync", app.id, database=app.dsn, config=d.config, check=check)


@pytest.fixture
def users(sim):
    before = sim.sim.users
    yield sim.sim
    sim.sim.users = before


def test_agents_are_fetched_by_pages(pg, d, line, sim, users):
    app = App(pg, d, ringctl=False)
    users.users = [exotel.user(i) for i in range(250)]
    users.users[3]["SipSecret"] = exotel.sealed_secret("canary-sip-secret-3")
    done = sync(app, d)
    assert (done["seen"], done["added"], done["changed"]) == (250, 248, 2) and sim.count("usermapping") == 3, "two of them were here"
    there = agents(app, d)
    assert len(there) == 250 and there["agent8"]["mode"] == "callback" and there["agent12"]["mode"] == "webrtc" and there["agent12"]["name"] == "Asha Number12"
    assert all(a["synced_at"] for a in there.values())
    assert sync(app, d) == {"app_id": app.id, "seen": 250, "added": 0, "changed": 0}
    assert [json.loads(x[2])["added"] for x in app.audit("agent.sync")] == [248, 0]
    a = sign(line, app, app.new_session(there["agent3"]["id"]))
    f = fields(a["authorization"])
    assert f["username"] == "asha0003" and f["response"] == md5(md5("asha0003", DOMAIN, "canary-sip-secret-3"), f["nonce"], f["nc"], f["cnonce"], "auth", md5("REGISTER", f["uri"]))


def test_what_exotel_does_not_say_stays(pg, d, sim, users, line):
    app = App(pg, d, ringctl=False)
    users.users = [exotel.user(7, AppUserId="agent7", ExotelUserName=None, AppUsername=None, SipSecret=None, AgentNumber="12", Email=None),
                   exotel.user(8, AppUserId="x y"), exotel.user(9, AppUserId="nobody", SipSecret=None, AgentNumber=None),
                   exotel.user(10, AppUserId="gone", IsActive=False), exotel.user(11, AppUserId=None)]
    ringd.ringctl("agent", "disable", app.id, "agent7", database=app.dsn)
    done = sync(app, d)
    assert (done["seen"], done["added"], done["changed"]) == (4, 0, 0), done
    a = agents(app, d)
    assert set(a) == {"agent7", "agent8"} and (a["agent7"]["name"], a["agent7"]["phone"], a["agent7"]["state"]) == ("Asha Rao", "+919800000001", "disabled")


def test_an_agent_by_another_name_is_not_doubled(pg, d, users):
    app = App(pg, d, ringctl=False)
    add_agent(d, app.dsn, app.id, "crm-17", exotel_user="agent99", sip_user="asha0063")
    users.users = [exotel.user(99)]
    done = sync(app, d)
    assert (done["added"], done["changed"]) == (0, 1) and "agent99" not in agents(app, d)


@pytest.mark.parametrize("fault,word", [("401", "does not take"), ("500", "no page of users"), ("garbage", "no page of users"), ("code_403", "no page of users"),
                                        ("close", "")])
def test_agents_that_cannot_be_fetched(app, d, sim, fault, word):
    sim.misbehave(times=9, usermapping=fault)
    done = sync(app, d, check=False)
    assert done.returncode == 1 and word in done.stderr, done.stderr
    [status] = ringd.ringctl("exotel", "status", app.id, database=app.dsn)
    assert status["last_error"] and set(agents(app, d)) == {"agent7", "agent8"}


def test_agents_of_nobody(pg, d):
    app = App(pg, d, linked=False)
    assert sync(app, d, check=False).returncode == 3
    assert d.admin_post("/exotel/sync").status == 400 and d.admin_post("/exotel/sync?app=x").status == 400


# ---- ringctl

def test_a_link_shows_no_secret_and_keeps_it_sealed(pg, d, by_hand):
    app = by_hand
    assert app.linked["account_sid"] == ACCOUNT and app.linked["modes"] == "webrtc, callback" and app.linked["caller_id"] == CALLER_ID
    assert app.linked["hook_url"].startswith(f"http://127.0.0.1:{d.port}/webhooks/exotel/hk_") and APP_TOKEN not in json.dumps(app.linked)
    [(row, record)] = app.sql("SELECT id, credentials FROM exotel_accounts WHERE app_id = %s", app.id)
    ring = sealing.read_ring(d.base / "keys")
    text = json.loads(sealing.unseal(ring, "exotel_accounts", "credentials", app.id, row, record))
    assert text == {"account_sid": ACCOUNT, "app_token": APP_TOKEN, "exotel_app_id": "app-1", "customer_id": "c-1", "api_key": API_KEY, "api_token": API_TOKEN,
                    "hook_url": app.linked["hook_url"]}
    [(row, record)] = app.sql("SELECT id, credentials FROM ribbon_agents WHERE app_id = %s AND agent_id = 'agent7'", app.id)
    assert json.loads(sealing.unseal(ring, "ribbon_agents", "credentials", app.id, row, record)) == {
        "exotel_user_id": "agent7", "sip_user": "ashar9f2c", "sip_secret": SIP_SECRET}
    [hook] = ringd.ringctl("hook", "list", app.id, database=app.dsn)
    assert hook["provider"] == "exotel" and hook["state"] == "enabled"
    actions = [a for a, in app.sql("SELECT action FROM audit_log WHERE app_id = %s AND actor LIKE 'ringctl:%%' AND action ~ '^(exotel|agent)[.]' ORDER BY seq", app.id)]
    assert actions == ["exotel.link", "agent.add", "agent.add"]
    again = ringd.ringctl("exotel", "link", app.id, "--credentials-file", str(credentials(d.base)), database=app.dsn, config=d.config, check=False)
    assert again.returncode == 1 and "linked already" in again.stderr
    assert len(ringd.ringctl("hook", "list", app.id, database=app.dsn)) == 1, "what failed left nothing behind"


def test_other_credentials_hold_at_once(d, line, by_hand, sim):
    """Nobody reloads, nobody logs in anew."""
    app = by_hand
    assert sign(line, app)["outcome"] == "ok"
    sim.sim.options.app_token = "canary-app-token-of-later"
    try:
        assert line.ask(RIBBON_DIAL, app.id, app.wish())["outcome"] == "forbidden"
        done = ringd.ringctl("exotel", "rotate", app.id, database=app.dsn, config=d.config, stdin='{"app_token":"canary-app-token-of-later"}')
        assert done["hook_url"] == app.linked["hook_url"] and done["modes"] == "webrtc, callback"
        assert line.ask(RIBBON_DIAL, app.id, app.wish())["outcome"] == "placed"
        assert sign(line, app)["outcome"] == "ok"
    finally:
        sim.sim.options.app_token = APP_TOKEN
    assert app.sql("SELECT rotated_at IS NOT NULL FROM exotel_accounts WHERE app_id = %s", app.id) == [(True,)]


def test_the_end_of_an_account(d, line, by_hand):
    app = by_hand
    assert ringd.ringctl("exotel", "unlink", app.id, database=app.dsn)["state"] == "unlinked"
    assert line.ask(RIBBON_LINE, app.id, app.agent)["outcome"] == "not_linked" and sign(line, app)["outcome"] == "not_linked"
    assert ringd.ringctl("exotel", "unlink", app.id, database=app.dsn, check=False).returncode == 3
    assert ringd.ringctl("exotel", "rotate", app.id, database=app.dsn, config=d.config, stdin="app_token=x", check=False).returncode == 3
    assert link(d, app.dsn, app.id)["hook_url"] != app.linked["hook_url"]


def test_credentials_are_asked_for_without_showing_them(pg, d):
    app = App(pg, d, linked=False)
    pid, terminal = pty.fork()
    if pid == 0:
        os.execv(str(ringd.BIN / "ringctl"), ["ringctl", "--database", app.dsn, "-f", str(d.config), "exotel", "link", app.id])
    shown = b""
    for prompt, value in (("account SID", ACCOUNT), ("app token", ""), ("app id", ""), ("customer id", ""), ("API key", API_KEY), ("API token", API_TOKEN),
                          ("caller id", CALLER_ID)):
        while not re.search(rf"{prompt}[^\n]*: $".encode(), shown):
            shown += os.read(terminal, 4096)
        os.write(terminal, value.encode() + b"\n")
    try:
        while True:
            shown += os.read(terminal, 4096)
    except OSError:     # the other end is closed
        pass
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0, shown
    os.close(terminal)
    assert API_KEY.encode() not in shown and API_TOKEN.encode() not in shown and b"callback" in shown
    [(row, record)] = app.sql("SELECT id, credentials FROM exotel_accounts WHERE app_id = %s", app.id)
    assert json.loads(sealing.unseal(sealing.read_ring(d.base / "keys"), "exotel_accounts", "credentials", app.id, row, record))["api_token"] == API_TOKEN


@pytest.fixture(scope="module")
def nobody(pg, d):
    """An app without an account, which stays so."""
    return App(pg, d, linked=False)


@pytest.mark.parametrize("text", ["", "{", "[]", '{"app_token":1}', '{"account_sid":"a","unknown":"x"}', "account_sid", "secret=canary-of-a-typo", "account_sid=acme1",
                                  "account_sid=a/b\napi_key=k\napi_token=t\ncaller_id=1", "account_sid=acme1\napi_key=k\napi_token=t",
                                  "account_sid=acme1\napi_key=k y\napi_token=t\ncaller_id=1", '{"account_sid":"acme1","api_key":"' + "k" * 2000 + '"}'])
def test_credentials_that_are_none(d, nobody, text):
    app = nobody
    done = ringd.ringctl("exotel", "link", app.id, database=app.dsn, config=d.config, stdin=text, check=False)
    assert done.returncode == 2 and "canary" not in done.stderr, done.stderr
    assert app.sql("SELECT 1 FROM exotel_accounts WHERE app_id = %s", app.id) == [] and ringd.ringctl("hook", "list", app.id, database=app.dsn) == []


def test_agents_that_cannot_be(d, app):
    for args in (["a b"], ["x", "--mode", "callback"], ["x", "--mode", "callback", "--phone", "98"], ["x"], ["x", "--mode", "other"]):
        done = ringd.ringctl("agent", "add", app.id, *args, database=app.dsn, config=d.config, check=False, stdin="s")
        assert done.returncode == 2, done
    done = ringd.ringctl("agent", "add", app.id, "agent7", "--mode", "callback", "--phone", "+919800000001", database=app.dsn, check=False)
    assert done.returncode == 1 and "already" in done.stderr
    assert ringd.ringctl("agent", "enable", app.id, "nobody", database=app.dsn, check=False).returncode == 3
    assert ringd.ringctl("agent", "disable", app.id, "agent7", database=app.dsn)["state"] == "disabled"
    assert ringd.ringctl("agent", "enable", app.id, "agent7", database=app.dsn)["state"] == "enabled"


def test_the_ring_knows_them(d, app, line):
    """keyring status, rekey and drop: what ringctl sealed is opened, sealed anew and counted by the same rules."""
    keys = {k["id"]: k for k in ringd.ringctl("keyring", "status", database=app.dsn, config=d.config)}
    [(n,)] = app.sql("SELECT (SELECT count(*) FROM exotel_accounts) + (SELECT count(credentials) FROM ribbon_agents)")
    assert keys[1]["values"] == n > 1
    done = ringd.ringctl("keyring", "rekey", database=app.dsn, config=d.config)
    assert done["unreadable"] == 0


def test_can_exotel_be_reached(d, app, sim):
    for provider in ("exotel", "exotel-api"):
        a = ringd.ringctl("courier", "probe", provider, config=d.config)
        assert (a["provider"], a["outcome"], a["status"], a["origin"]) == (provider, "answered", 401, sim.url)
    assert ringd.ringctl("courier", "probe", "somebody", config=d.config, check=False).returncode != 0
