"""The ribbon's beginning: who may begin a session, from which page, for which agent, for how long."""
import hashlib
import hmac
import json
import os
import shutil
import subprocess
import time
import zlib

import pytest

import ringd
from dialpad_sim import key_ring
from ribbon import ORIGIN, Crm, agent_token, allowed, hmac_key, refused
from ringd import b64url, raw, request, ringctl


@pytest.fixture(scope="module")
def d(new_daemon):
    x = new_daemon()
    x.write(courier={"key_file": str(key_ring(x.base))}, ribbon={"dispositions": '["Sold", "Call back"]'})
    x.start()
    yield x
    assert x.stop() == 0, x.text()[-3000:]
    assert "Sanitizer" not in x.text() and "runtime error:" not in x.text()


@pytest.fixture(scope="module")
def crm(pg, d):
    return Crm(pg, d)


def test_a_session_begins(crm):
    a = crm.init()
    assert a.status == 200, a
    assert allowed(a) == ORIGIN and a.headers["vary"] == "Origin" and a.headers["cache-control"] == "no-store"
    assert "access-control-allow-credentials" not in a.headers
    data = a.json["data"]
    assert data["agent"] == {"id": "dana", "name": "Dana"} and data["mode"] == "callback" and data["sip"] is None
    assert data["usage"]["used"] == 0 and data["usage"]["limit"] is None and data["dispositions"] == ["Sold", "Call back"]
    assert data["session"]["token"].startswith("rs_") and 0 < data["session"]["renew_in_ms"] < 900_000


def test_it_is_renewed_and_ends(crm):
    s = crm.session()
    a = s.post("renew")
    assert a.status == 200 and a.json["data"]["expires_at"] >= s.data["session"]["expires_at"], a
    assert s.post("end").status == 200
    refused(s.post("renew"), 401, "session_revoked", ORIGIN)
    refused(s.post("end"), 401, "session_revoked", ORIGIN)


# ---------------------------------------------------------------- pages

def preflight(d, origin, path="init", method="POST"):
    headers = {"Origin": origin, "Access-Control-Request-Method": method,
               "Access-Control-Request-Headers": "content-type,x-app-api-key"}
    return request(d.port, "OPTIONS", "/api/ribbon/" + path, {k: v for k, v in headers.items() if v is not None})


@pytest.fixture(scope="module")
def pages(pg, d):
    """A key for pages of every shape there is."""
    return Crm(pg, d, origins=("https://acme.example", "https://acme.example:8443", "http://localhost:3000", "https://*.acme.example",
                               "https://*.port.example:444", "http://127.0.0.1", "https://[2001:db8::1]", "http://[::1]:8080",
                               "https://xn--bcher-kva.example", "HTTPS://Upper.Example:443"))


GOOD = ["https://acme.example", "https://acme.example:8443", "http://localhost:3000", "https://app.acme.example",
        "https://a-b.acme.example", "https://x.port.example:444", "http://127.0.0.1", "https://[2001:db8::1]", "http://[::1]:8080",
        "https://xn--bcher-kva.example", "https://upper.example"]
EVIL = ["https://evil.example", "https://evil-acme.example", "https://evilacme.example", "https://acme.example.evil",
        "https://acme.example.evil.example", "http://acme.example", "https://acme.example:443", "https://acme.example:8444",
        "https://acme.example/", "https://acme.example/x", "https://ACME.example", "HTTPS://acme.example", "https://acme.example.",
        "https://app.acme.example.", "https://user@acme.example", "https://evil@app.acme.example", "https://a.b.acme.example",
        "https://.acme.example", "https://*.acme.example", "https://app.acme.example:8443", "http://app.acme.example",
        "https://port.example:444", "https://x.port.example", "http://localhost", "http://localhost:3001", "https://localhost:3000",
        "http://127.1", "https://[2001:db8:0::1]", "https://[2001:0db8::1]", "https://acme.example https://evil.example",
        "https://evil.example,https://acme.example", "https://acme.example\t.evil", "https://acme.example%00.evil", "null", "NULL", "*",
        "", "acme.example", "//acme.example", "file://", "javascript:alert(1)", "data:text/html,x", "https://", "https://:443",
        "https://" + "a" * 300 + ".acme.example", "https://acme.example:99999", "https://example", "https://b\xfccher.example",
        "https://xn--bcher-kva.example.evil"]


@pytest.mark.parametrize("origin", GOOD)
def test_pages_of_the_key(d, pages, origin):
    a = preflight(d, origin)
    assert a.status == 204 and allowed(a) == origin and a.headers["vary"] == "Origin" and a.body == b"", a
    assert a.headers["access-control-allow-methods"] == "GET, POST" and a.headers["access-control-max-age"] == "600"
    assert a.headers["access-control-allow-headers"] == "content-type, authorization, x-app-api-key, idempotency-key"
    assert "access-control-allow-credentials" not in a.headers
    a = pages.init(origin=origin)
    assert a.status == 200 and allowed(a) == origin, a


@pytest.mark.parametrize("origin", EVIL)
def test_pages_of_nobody(d, pages, origin):
    """Never reflected, whatever it looks like; and the refusal names its reason."""
    refused(preflight(d, origin), 403, "origin_not_allowed")
    refused(pages.init(origin=origin), 403, "origin_not_allowed")


def test_no_origin_at_all(d, pages):
    refused(preflight(d, None), 403, "origin_not_allowed")
    refused(pages.init(origin=None), 403, "origin_not_allowed")
    two = raw(d.port, b"POST /api/ribbon/init HTTP/1.1\r\nHost: x\r\nOrigin: https://acme.example\r\nOrigin: https://evil.example\r\n"
                      b"Content-Length: 0\r\nConnection: close\r\n\r\n")
    assert b" 403 " in two and b"Access-Control-Allow-Origin" not in two


def test_null_may_not_be_somebodys_page(crm):
    for origin in ("null", "*", "https://*", "https://*.example", "https://*.*.acme.example", "https://a.*.example", "http://*.acme.example",
                   "https://acme.example/", "https://acme.example/crm", "https://user@acme.example", "acme.example", "ftp://acme.example",
                   "https://b\u00fccher.example", "http://acme.example", "https://acme.example:0", "https://acme.example?x",
                   "https://*.127.0.0.1", "https://*.[::1]"):
        done = ringctl("client", "create", crm.id, "--origin", origin, database=crm.dsn, check=False)
        assert done.returncode == 2 and "--origin" in done.stderr, (origin, done.stderr)
    done = ringctl("client", "create", crm.id, "--origin", "http://acme.example", "--insecure", database=crm.dsn)
    assert done["origins"] == "http://acme.example"
    assert ringctl("client", "create", crm.id, "--origin", "https://[2001:DB8:0:0::1]:443", database=crm.dsn)["origins"] == "https://[2001:db8::1]"


def test_another_keys_page_is_not_mine(pg, d, crm):
    """The page is known here, so its preflight passes; with this key it gets nowhere, and reads nothing."""
    other = Crm(pg, d, origins=("https://other.example",))
    assert preflight(d, "https://other.example").status == 204
    refused(crm.init(origin="https://other.example"), 403, "origin_not_allowed")
    assert other.init(origin="https://other.example").status == 200


def test_a_bad_key_is_named_to_a_page_that_is_known(crm):
    refused(crm.init(key="web_" + "x" * 49), 401, "invalid_api_key", ORIGIN)
    refused(crm.init(key=crm.key), 401, "invalid_api_key", ORIGIN)                  # a server's
    refused(crm.init(key="", headers={"x-app-api-key": None}), 401, "missing_api_key", ORIGIN)
    refused(crm.init(apiKey="web_other"), 401, "invalid_api_key", ORIGIN)           # header and body differ
    a = crm.init(headers={"x-app-api-key": None}, apiKey=crm.web)
    assert a.status == 200, a


@pytest.mark.parametrize("domain,good", [
    ("crm.acme.example", True), ("CRM.acme.example", True), (ORIGIN, True), ("crm.acme.example:443", True), (None, True),
    ("acme.example", False), ("crm.acme.example:8443", False), ("crm.acme.example.evil", False), ("", False), ("evil.example", False),
    (7, False), ({"a": 1}, False),
])
def test_the_domain_a_page_names_is_its_own(crm, domain, good):
    a = crm.init(domain=domain)
    assert a.status == 200 if good else refused(a, 403, "origin_not_allowed", ORIGIN), a


@pytest.mark.parametrize("body", ["", "{", "[]", '{"agentToken":1,"agentToken":2}', '{"agent_token":"x"}', b"\xff", '"x"'])
def test_a_malformed_beginning(d, crm, body):
    a = request(d.port, "POST", "/api/ribbon/init", {"Origin": ORIGIN, "x-app-api-key": crm.web}, body)
    assert a.status in (400, 401) and a.json["code"] in ("invalid_json", "invalid_parameter", "invalid_agent_token") and allowed(a) == ORIGIN, a


def test_other_routes_are_no_pages_business(d, crm):
    """Only the ribbon's routes speak to pages of other origins."""
    a = request(d.port, "OPTIONS", "/api/calls", {"Origin": ORIGIN, "Access-Control-Request-Method": "GET"})
    assert allowed(a) is None
    a = d.get("/api/calls", crm.key, Origin=ORIGIN)
    assert a.status == 200 and allowed(a) is None
    assert d.get("/api/calls", crm.web).status == 401                               # a browser key opens nothing else
    a = request(d.port, "PUT", "/api/ribbon/init", {"Origin": ORIGIN})
    assert a.status == 405 and a.headers["allow"] == "POST, OPTIONS"


# ---------------------------------------------------------------- agents

def parts(token):
    head, body, mac = token.split(".")
    return head, body, mac


def test_tokens_that_are_good(crm):
    for token in (crm.token(iat=None), crm.token(life=3600), crm.token(life=3655), crm.token(life=-50), crm.token(nbf=1),
                  crm.token(header={"alg": "HS256"}), crm.token(header={"alg": "HS256", "typ": "x", "kid": "../../dev/null"}),
                  crm.token(header={"alg": "HS256", "kid": "none", "jku": "https://evil.example/", "jwk": {"k": "AA"}}),
                  crm.token(exp=int(time.time()) + 600.5), crm.token(name="x", aud="y", extra=[1, {"a": None}])):
        a = crm.init(token=token)
        assert a.status == 200, (token, a)


def tokens(crm):
    now = int(time.time())
    other = Crm(crm.pg, crm.d)
    head, body, mac = parts(crm.token())
    none = b64url(b'{"alg":"none"}')
    good = json.dumps({"sub": "dana", "exp": now + 60}).encode()
    return {
        "other app's key": agent_token(other.key, "dana"), "the key itself": crm.token(key=crm.key.encode()),
        "the hash in hex": crm.token(key=hmac_key(crm.key).hex().encode()), "the browser key": crm.token(key=hmac_key(crm.web)),
        "no key": crm.token(key=b""), "no signature": f"{head}.{body}.", "two parts": f"{head}.{body}", "four": f"{head}.{body}.{mac}.{mac}",
        "alg none": f"{none}.{body}.", "alg none, signed": f"{none}.{body}.{mac}", "alg None": crm.token(header={"alg": "None"}),
        "alg RS256": crm.token(header={"alg": "RS256"}), "alg HS512": crm.token(header={"alg": "HS512"}),
        "alg hs256": crm.token(header={"alg": "hs256"}), "no alg": crm.token(header={"typ": "JWT"}), "alg list": crm.token(header={"alg": ["HS256"]}),
        "alg escaped": signed(crm, good, rb'{"alg":"H\u0053256"}'), "alg twice": signed(crm, good, b'{"alg":"HS256","alg":"none"}'),
        "crit": crm.token(header={"alg": "HS256", "crit": ["exp"]}),
        "other claims": f"{head}.{b64url(json.dumps({'sub': 'boss', 'exp': now + 60}).encode())}.{mac}",
        "cut mac": f"{head}.{body}.{mac[:-2]}", "padded mac": f"{head}.{body}.{mac}=", "blank": f" {head}.{body}.{mac}",
        "spare bits": f"{head}.{body}.{mac[:-1]}{chr(ord(mac[-1]) + 1)}",
        "too long lived": crm.token(life=3700), "for ever": crm.token(exp=1 << 39), "beyond": crm.token(exp=1 << 62), "exp huge": crm.token(exp=1e300),
        "no exp": crm.token(exp=None), "exp text": crm.token(exp=str(now + 60)), "exp true": crm.token(exp=True), "exp negative": crm.token(exp=-5),
        "from the future": crm.token(iat=now + 120), "not yet": crm.token(nbf=now + 120), "iat text": crm.token(iat="now"),
        "no sub": crm.token(sub=None), "sub empty": crm.token(sub=""), "sub number": crm.token(sub=5), "sub list": crm.token(sub=["dana"]),
        "sub long": crm.token(sub="x" * 300), "too long": crm.token(pad="x" * 4000), "deep": crm.token(deep=json.loads("[" * 20 + "]" * 20)),
        "garbage": "garbage", "empty": "", "dots": "..", "claims no JSON": signed(crm, b"{"), "claims a list": signed(crm, b"[]"),
        "claims no UTF-8": signed(crm, b'{"sub":"\xff","exp":%d}' % (now + 60)),
    }


HEAD = b'{"alg":"HS256"}'


def signed(crm, claims, head=HEAD):
    body = f"{b64url(head)}.{b64url(claims)}"
    return f"{body}.{b64url(hmac.new(hmac_key(crm.key), body.encode(), hashlib.sha256).digest())}"


def test_tokens_that_are_not(crm):
    for name, token in tokens(crm).items():
        a = crm.init(token=token)
        assert a.status == 401 and a.json["code"] == "invalid_agent_token" and allowed(a) == ORIGIN, (name, a)
    assert crm.init(token=7).json["code"] == "invalid_agent_token"
    ringd.wait_for("the refusals in the log", lambda: any(json.loads(r[3])["code"] == "invalid_agent_token" for r in crm.audit("ribbon.refused")))
    assert all(r[0] == f"key:{crm.web_id}" for r in crm.audit("ribbon.refused"))


def test_an_expired_token_says_so_only_when_it_was_signed(crm):
    refused(crm.init(token=crm.token(life=-70)), 401, "agent_token_expired", ORIGIN)
    refused(crm.init(token=crm.token(life=-70, key=b"other")), 401, "invalid_agent_token", ORIGIN)


def test_any_good_server_key_signs(crm):
    new = crm.ctl("key", "create", crm.id)
    token = agent_token(new["api_key"], "dana")
    assert crm.init(token=token).status == 200
    crm.ctl("key", "revoke", crm.id, new["id"])
    refused(crm.init(token=token), 401, "invalid_agent_token", ORIGIN)


def test_ringctl_makes_one(crm):
    made = crm.ctl("agent", "token", crm.id, "dana", "--for", "1m")
    a = crm.init(token=made["agent_token"])
    assert a.status == 200 and a.json["data"]["agent"]["id"] == "dana"
    odd = 'd"a\\n \u00e9'
    crm.add_agent(odd)
    a = crm.init(token=crm.ctl("agent", "token", crm.id, odd)["agent_token"])
    assert a.status == 200 and a.json["data"]["agent"]["id"] == odd
    done = ringctl("agent", "token", crm.id, "nobody", database=crm.dsn, check=False)
    assert done.returncode == 0 and "has no agent" in done.stderr
    assert ringctl("agent", "token", crm.id, "dana", "--for", "2h", database=crm.dsn, check=False).returncode == 2


def test_agents_that_are_none(pg, d, crm):
    other = Crm(pg, d)
    other.add_agent("eve")
    refused(crm.init("nobody"), 403, "agent_unknown", ORIGIN)
    refused(crm.init("eve"), 403, "agent_unknown", ORIGIN)                  # of another app
    refused(crm.init("Dana"), 403, "agent_unknown", ORIGIN)
    row = crm.add_agent("gone")
    crm.sql("UPDATE ribbon_agents SET is_active = false WHERE app_id = %s AND id = %s", crm.id, row)
    refused(crm.init("gone"), 403, "agent_unknown", ORIGIN)


def test_accounts_that_are_off(pg, d):
    x = Crm(pg, d, linked=False)
    refused(x.init(), 403, "account_inactive", ORIGIN)
    x.link()
    s = x.session()
    x.sql("UPDATE exotel_accounts SET is_active = false WHERE app_id = %s", x.id)
    refused(x.init(), 403, "account_inactive", ORIGIN)
    x.sql("UPDATE exotel_accounts SET is_active = true WHERE app_id = %s", x.id)
    x.ctl("app", "disable", x.id)
    refused(x.init(), 403, "account_inactive", ORIGIN)
    refused(s.post("renew"), 403, "account_inactive", ORIGIN)


def test_a_month_that_is_used_up(pg, d):
    x = Crm(pg, d, limit=0)
    refused(x.init(), 429, "limit_reached", ORIGIN)
    x.ctl("client", "change", x.id, x.web_id, "--monthly-limit", "5")
    a = x.init()
    assert a.status == 200 and a.json["data"]["usage"]["limit"] == 5


# ---------------------------------------------------------------- sessions

def test_every_route_wants_a_session(d, crm):
    s = crm.session()
    for method, path in (("POST", "renew"), ("POST", "end"), ("GET", "calls"), ("POST", "calls"), ("GET", "calls/x"), ("POST", "calls/x/end"),
                         ("POST", "calls/x/state"), ("POST", "calls/x/note"), ("POST", "sign")):
        assert preflight(d, ORIGIN, path, method).status == 204
        refused(preflight(d, "https://evil.example", path, method), 403, "origin_not_allowed")
        for value in (None, "", "Bearer", "Bearer x", f"Basic {s.token}", s.token, "Bearer rs_" + "x" * 49, f"Bearer {s.token[:-1]}",
                      f"Bearer {crm.web}", f"Bearer {s.token} x"):
            refused(s.ask(method, path, headers={"Authorization": value}), 401, "invalid_session", ORIGIN)
        refused(s.ask(method, path, headers={"Origin": "https://evil.example"}), 403, "origin_not_allowed")
        refused(s.ask(method, path, headers={"Origin": "null"}), 403, "origin_not_allowed")
    assert s.post("renew", headers={"Authorization": f"bearer {s.token}"}).status == 200
    refused(s.post("renew", headers={"Authorization": f"Bearer {unknown_token()}"}), 401, "invalid_session", ORIGIN)


def unknown_token():
    """Well formed, and nobody's."""
    digits = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
    text, crc, out = "rs_" + "7" * 43, zlib.crc32(("rs_" + "7" * 43).encode()), ""
    for _ in range(6):
        crc, rest = divmod(crc, 62)
        out = digits[rest] + out
    return text + out


def test_a_session_belongs_to_its_origin(pg, d):
    x = Crm(pg, d, origins=(ORIGIN, "https://second.example"))
    s = x.session()
    a = s.post("renew", headers={"Origin": "https://second.example"})       # the same key's, and yet not this session's
    refused(a, 403, "origin_not_allowed")
    assert s.post("renew").status == 200


def test_a_page_taken_from_the_key_ends_its_sessions(pg, d):
    x = Crm(pg, d, origins=(ORIGIN, "https://second.example"))
    Crm(pg, d, origins=("https://second.example",))                         # it stays somebody's
    s = x.session(origin="https://second.example")
    x.ctl("client", "change", x.id, x.web_id, "--origin", ORIGIN)
    refused(s.post("renew"), 403, "origin_not_allowed")
    assert x.session().post("renew").status == 200


def test_what_ends_a_session_ends_it_at_once(pg, d):
    x = Crm(pg, d)

    def ends(how, code="session_revoked", status=401):
        s = x.session()
        assert s.get("calls").status == 200
        how(s)
        refused(s.get("calls"), status, code, ORIGIN)
        refused(s.dial(), status, code, ORIGIN)
        assert x.sql("SELECT count(*) FROM ribbon_calls WHERE app_id = %s", x.id) == [(0,)]
    ends(lambda s: x.ctl("session", "revoke", x.id, s.id))
    ends(lambda s: x.ctl("session", "revoke", x.id, "--agent", "dana"))
    ends(lambda s: s.post("end"))
    ends(lambda s: x.sql("UPDATE ribbon_sessions SET expires_at = now() WHERE id = %s", s.id), "session_expired")
    ends(lambda s: x.sql("UPDATE ribbon_agents SET is_active = false WHERE app_id = %s", x.id))
    x.sql("UPDATE ribbon_agents SET is_active = true WHERE app_id = %s", x.id)
    ends(lambda s: x.ctl("client", "revoke", x.id, x.web_id))
    refused(x.init(), 401, "invalid_api_key", ORIGIN)


def test_a_page_learns_that_its_key_was_revoked(pg, d):
    """It was nobody else's page; and what is told is the key, not the address."""
    x = Crm(pg, d, origins=("https://only.example",))
    s = x.session(origin="https://only.example")
    x.ctl("client", "revoke", x.id, x.web_id)
    assert preflight(d, "https://only.example").status == 204
    refused(s.get("calls"), 401, "session_revoked", "https://only.example")
    refused(x.init(origin="https://only.example"), 401, "invalid_api_key", "https://only.example")


def test_sessions_are_listed(pg, d):
    x = Crm(pg, d)
    x.add_agent("erin")
    a, b = x.session(), x.session("erin")
    rows = x.ctl("session", "list", x.id)
    assert [(r["agent_id"], r["id"], r["state"], r["origin"]) for r in rows] == [("erin", b.id, "active", ORIGIN), ("dana", a.id, "active", ORIGIN)]
    assert [r["id"] for r in x.ctl("session", "list", x.id, "--agent", "erin")] == [b.id]
    x.ctl("session", "revoke", x.id, b.id)
    assert [r["state"] for r in x.ctl("session", "list", x.id)] == ["revoked", "active"]
    for words in ((), (a.id, "--agent", "dana"), ("x",)):
        assert ringctl("session", "revoke", x.id, *words, database=x.dsn, check=False).returncode == 2
    assert ringctl("session", "revoke", x.id, b.id, database=x.dsn, check=False).returncode == 3


def test_a_session_does_not_live_for_ever(pg, d):
    x = Crm(pg, d)
    s = x.session()
    x.sql("UPDATE ribbon_sessions SET created_at = now() - interval '11 hours 59 minutes 50 seconds' WHERE id = %s", s.id)
    a = s.post("renew")
    assert a.status == 200 and a.json["data"]["renew_in_ms"] < 10_000, a
    x.sql("UPDATE ribbon_sessions SET created_at = now() - interval '12 hours' WHERE id = %s", s.id)
    refused(s.post("renew"), 401, "session_expired", ORIGIN)


def test_nothing_of_a_session_is_stored_that_could_be_used(pg, d):
    x = Crm(pg, d)
    s = x.session()
    stored = x.sql("SELECT s::text || l::text FROM ribbon_sessions s JOIN ribbon_session_lookup l USING (token_hash) WHERE s.id = %s", s.id)
    assert len(stored) == 1 and s.token not in stored[0][0] and s.token not in d.text() and x.token() not in d.text()
    [(actor, action, subject, detail)] = x.audit("ribbon.init")
    assert actor == f"key:{x.web_id}" and subject == f"session:{s.id}" and json.loads(detail) == {"agent": "dana", "origin": ORIGIN}
    assert s.post("end").status == 200
    assert [(r[0], r[1]) for r in x.audit("ribbon.end")] == [(f"session:{s.id}", "ribbon.end")]


def test_what_ringctl_does_is_noted(pg, d):
    x = Crm(pg, d, limit=10)
    s = x.session()
    x.ctl("session", "revoke", x.id, s.id)
    x.session()
    x.ctl("session", "revoke", x.id, "--agent", "dana")
    x.ctl("client", "change", x.id, x.web_id, "--monthly-limit", "none")
    x.ctl("client", "revoke", x.id, x.web_id)
    rows = [(action, subject, detail and json.loads(detail)) for actor, action, subject, detail in x.audit() if actor.startswith("ringctl:")
            and action.split(".")[0] in ("client", "session")]
    assert rows == [("client.create", x.web_id, {"origins": ORIGIN, "monthly_limit": "10"}), ("session.revoke", s.id, None),
                    ("session.revoke", None, {"agent": "dana"}), ("client.change", x.web_id, {"monthly_limit": "none"}),
                    ("client.revoke", x.web_id, None)], rows
    assert x.web not in str(x.audit()) and ringctl("audit", "verify", x.id, database=x.dsn)


def test_clients_are_listed_and_changed(pg, d):
    x = Crm(pg, d, limit=10)
    assert x.client["origins"] == ORIGIN and x.client["monthly_limit"] == 10
    x.session()
    [row] = x.ctl("client", "list", x.id)
    assert (row["id"], row["state"], row["origins"], row["used"], row["monthly_limit"]) == (x.web_id, "active", ORIGIN, 0, 10)
    assert x.web not in json.dumps(row)
    changed = x.ctl("client", "change", x.id, x.web_id, "--origin", "https://b.example", "--origin", "https://a.example", "--origin",
                    "https://a.example", "--monthly-limit", "none")
    assert changed["origins"] == "https://a.example https://b.example" and changed["monthly_limit"] is None
    assert x.init(origin="https://b.example").status == 200
    for words in ((), ("--monthly-limit", "x"), ("--monthly-limit", "-1"), ("--origin", "x")):
        assert ringctl("client", "change", x.id, x.web_id, *words, database=x.dsn, check=False).returncode == 2
    assert ringctl("client", "create", x.id, database=x.dsn, check=False).returncode == 2
    assert x.ctl("client", "revoke", x.id, x.web_id)["already_revoked"] is False
    assert x.ctl("client", "revoke", x.id, x.web_id)["already_revoked"] is True
    assert ringctl("client", "change", x.id, x.web_id, "--monthly-limit", "1", database=x.dsn, check=False).returncode == 3
    refused(x.init(origin="https://b.example"), 401, "invalid_api_key", "https://b.example")
    assert [r["state"] for r in x.ctl("client", "list", x.id)] == ["revoked"]
    server_key = x.ctl("key", "list", x.id)
    assert ringctl("client", "revoke", x.id, [k["id"] for k in server_key if k["kind"] == "server"][0], database=x.dsn, check=False).returncode == 3


# ---------------------------------------------------------------- limits

def test_guesses_are_counted(pg, new_daemon):
    x = new_daemon(limits={**ringd.FAR_LIMITS, "failures_per_address": 20, "failure_window": "1h"})
    x.write(courier={"key_file": str(key_ring(x.base))})
    x.start()
    crm = Crm(pg, x)
    s = crm.session()
    for _ in range(20):
        refused(crm.init(token=crm.token(key=b"guess")), 401, "invalid_agent_token", ORIGIN)
    a = crm.init(token=crm.token(key=b"guess"))
    assert a.status == 429 and a.json["code"] == "too_many_failures" and int(a.headers["retry-after"]) > 0 and allowed(a) == ORIGIN
    assert crm.init().json["code"] == "too_many_failures"
    assert s.get("calls").status == 200                     # who was good before goes on
    assert preflight(x, "https://evil.example").status == 429
    assert x.stop() == 0
    assert crm.refusals() == 20         # what was only counted is written before the worker goes


def test_one_agent_does_not_use_up_what_all_have(pg, new_daemon):
    x = new_daemon(limits={**ringd.FAR_LIMITS, "requests": 5, "window": "1h"})
    x.write(courier={"key_file": str(key_ring(x.base))}, workers=1)
    x.start()
    crm = Crm(pg, x)
    crm.add_agent("erin")
    sessions = [crm.session() for _ in range(5)]
    a = crm.init()
    assert (a.status, a.json["code"]) == (429, "rate_limited") and allowed(a) == ORIGIN and "retry-after" in a.headers
    s = crm.session("erin")
    assert [s.get("calls").status for _ in range(5)] == [200] * 4 + [429]      # its beginning was the first
    assert sessions[0].get("calls").status == 200           # each session has its own
    crm.ctl("key", "limit", crm.id, crm.web_id, "8/1h")
    fresh = sessions[1]
    assert [fresh.get("calls").status for _ in range(8)] == [200] * 7 + [429]
    assert x.stop() == 0


def test_without_a_courier(pg, new_daemon):
    x = new_daemon().start()
    crm = Crm(pg, x)
    refused(crm.init(), 503, "courier_unavailable", ORIGIN)
    assert crm.sql("SELECT count(*) FROM ribbon_sessions") == [(0,)]
    assert x.stop() == 0


def test_a_page_of_our_own_origin(d, crm, pages):
    """A browser sends no Origin with a GET to where the page came from; it says so in its own words instead."""
    s = pages.session(origin=f"http://localhost:3000")
    own = {"Origin": None, "Host": "localhost:3000", "Sec-Fetch-Site": "same-origin"}
    a = s.get("calls", headers=own)
    assert a.status == 200 and allowed(a) == "http://localhost:3000", a
    for change in ({"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": None}, {"Host": "localhost"}, {"Host": "evil.example"}):
        refused(s.get("calls", headers={**own, **change}), 403, "origin_not_allowed")
    refused(s.post("renew", headers=own), 403, "origin_not_allowed")


# ---------------------------------------------------------------- the recipes

@pytest.mark.parametrize("program,file", [("python3", "agent-token.py"), ("node", "agent-token.js"), ("php", "agent-token.php")])
def test_a_recipe_of_the_manual(crm, program, file):
    if shutil.which(program) is None:
        pytest.skip(f"no {program}")
    odd = 'm\u00fcller "x" / \\'
    for agent in ("dana", odd):
        if agent == odd and not crm.sql("SELECT 1 FROM ribbon_agents WHERE app_id = %s AND agent_id = %s", crm.id, odd):
            crm.add_agent(odd)
        done = subprocess.run([program, str(ringd.TOP / "etc/examples" / file)], capture_output=True, text=True, timeout=30, check=True,
                              env={**os.environ, "AGENT_ID": agent, "RINGD_API_KEY": crm.key})
        a = crm.init(token=done.stdout.strip())
        assert a.status == 200 and a.json["data"]["agent"]["id"] == agent, a
