"""Flow 1, from a link to a connection, and every way it can go wrong. The simulator plays Dialpad; everything else is real."""
import os
import re
import threading
import time
import urllib.parse

import pytest

import ringd
from dialpad_sim import CLIENT_SECRET, Browser, Dialpad, key_ring, settings
from prometheus import scrape
from ringd import wait_for


@pytest.fixture(scope="module")
def sim():
    s = Dialpad()
    yield s
    s.stop()


@pytest.fixture(scope="module")
def d(new_daemon, sim):
    x = new_daemon()
    x.write(**settings(sim, x.port, key_ring(x.base)))
    conf = x.config.read_text().replace("dialpad:\n", "dialpad:\n  return_to: ['https://crm.example/settings', 'https://crm.example/sub/']\n", 1)
    x.write = lambda **_: None
    x.config.write_text(conf)
    x.start()
    yield x
    assert x.stop() == 0, x.text()[-3000:]


@pytest.fixture(autouse=True)
def calm(sim):
    yield
    sim.sim.faults.clear()
    sim.set(access_seconds=3600, refresh=True, user=dict(sim.sim.settings["user"], company_id=5511220033440011))


@pytest.fixture
def app(pg, d):
    return ringd.ringctl("app", "create", f"App {time.monotonic_ns()}", database=pg.dsn(d.database))


@pytest.fixture
def key(pg, d, app):
    return ringd.ringctl("key", "create", app["id"], "--scopes", "connect", database=pg.dsn(d.database))["api_key"]


def link(pg, d, app, *more):
    return ringd.ringctl("dialpad", "connect-url", app["id"], *more, database=pg.dsn(d.database), config=d.config)["url"]


def row(pg, d, app, columns):
    with pg.connect(d.database) as c, c.cursor() as q:
        q.execute(f"SELECT {columns} FROM dialpad_connections WHERE app_id = %s", (app["id"],))
        return q.fetchone()


def begin(browser, url):
    a = browser.get(url)
    assert a.status == 302, a
    return a.headers["location"]


def connect(pg, d, app, browser=None):
    browser = browser or Browser()
    return browser.get(browser.consent(begin(browser, link(pg, d, app))))


def test_a_link_connects(pg, d, sim, app):
    browser = Browser()
    url = begin(browser, link(pg, d, app))
    q = urllib.parse.parse_qs(urllib.parse.urlsplit(url).query)
    assert url.startswith(sim.url + "/oauth2/authorize?")
    assert q["code_challenge_method"] == ["S256"] and len(q["code_challenge"][0]) == 43 and q["response_type"] == ["code"]
    assert q["scope"] == ["calls:list recordings_export offline_access"]
    assert q["redirect_uri"] == [f"http://127.0.0.1:{d.port}/auth/dialpad/callback"]
    assert list(browser.cookies) == ["ringd_oauth"]
    done = browser.get(browser.consent(url))
    assert done.status == 200 and b"Dialpad is connected" in done.body and b"Dana Ortiz" in done.body, done
    assert "default-src 'none'" in done.headers["content-security-policy"] and done.headers["referrer-policy"] == "no-referrer"
    assert done.headers["cache-control"] == "no-store"
    state, company, user, expires = row(pg, d, app, "state, company_id, user_name, expires_at > now() + interval '50 minutes'")
    assert (state, company, user, expires) == ("connected", "5511220033440011", "Dana Ortiz", True)
    shown = ringd.ringctl("dialpad", "status", app["id"], database=pg.dsn(d.database))
    assert shown[0]["state"] == "connected" and shown[0]["company_id"] == "5511220033440011", shown


def test_tokens_are_sealed(pg, d, sim, app):
    connect(pg, d, app)
    access, refresh = (bytes(x) for x in row(pg, d, app, "access_token, refresh_token"))
    with sim.sim.lock:
        tokens = list(sim.sim.access) + list(sim.sim.refresh)
    assert access[0] == refresh[0] == 1
    assert not any(t.encode() in access or t.encode() in refresh for t in tokens)
    assert not any(t in d.text() for t in tokens) and CLIENT_SECRET not in d.text()


def test_an_api_key_connects(d, sim, pg, app, key):
    browser = Browser()
    a = browser.get(f"http://127.0.0.1:{d.port}/auth/dialpad/connect", "POST", {"x-app-api-key": key, "Accept": "application/json"})
    assert a.status == 200, a
    done = browser.get(browser.consent(a.json["data"]["authorize_url"]))
    assert done.status == 200 and row(pg, d, app, "state") == ("connected",)
    # The other address is for a browser that has no cookie yet.
    fresh = Browser()
    done = fresh.get(fresh.consent(begin(fresh, a.json["data"]["connect_url"])))
    assert done.status == 200, done


def test_a_browser_gets_a_redirect(d, key):
    a = Browser().get(f"http://127.0.0.1:{d.port}/auth/dialpad/connect", "POST", {"x-app-api-key": key})
    assert a.status == 302 and "/oauth2/authorize?" in a.headers["location"] and a.headers["cache-control"] == "no-store"
    cookie = a.headers["set-cookie"]
    assert "HttpOnly" in cookie and "SameSite=Lax" in cookie and "Path=/" in cookie and "Max-Age=600" in cookie


def test_a_key_needs_the_scope(d, app):
    url = f"http://127.0.0.1:{d.port}/auth/dialpad/connect"
    assert Browser().get(url, "POST", {"x-app-api-key": app["api_key"]}).json["code"] == "missing_scope"
    assert Browser().get(url, "POST").status == 401
    bare = Browser().get(url)
    assert (bare.status, bare.headers["allow"]) == (405, "POST, OPTIONS")
    assert Browser().get(url + "?nonsense=1", "POST").json["code"] == "unknown_parameter"
    assert Browser().get(url + "?ticket=%zz", "POST").json["code"] == "malformed_query"


def test_denied(pg, d, app):
    browser = Browser()
    a = browser.get(browser.consent(begin(browser, link(pg, d, app)), "deny"))
    assert a.status == 403 and b"was not connected" in a.body
    assert row(pg, d, app, "state") is None


def test_replayed(pg, d, sim, app):
    browser = Browser()
    where = link(pg, d, app)
    back = browser.consent(begin(browser, where))
    assert browser.get(back).status == 200
    tokens = sim.count("token.authorization_code")
    browser.cookies["ringd_oauth"] = browser.cookies.get("ringd_oauth", "x")
    again = browser.get(back)
    assert again.status in (400, 403) and sim.count("token.authorization_code") == tokens
    opened = browser.get(where)
    assert opened.status == 400 and b"was used before" in opened.body


def test_the_page_loaded_again_says_so(pg, d, app):
    browser = Browser()
    back = browser.consent(begin(browser, link(pg, d, app)))
    kept = dict(browser.cookies)
    assert browser.get(back).status == 200
    for cookies in ({}, kept):          # as our answer leaves them, and as an older tab may have them
        browser.cookies = dict(cookies)
        again = browser.get(back)
        assert again.status == 400 and b"was used before" in again.body, again
    assert row(pg, d, app, "state") == ("connected",)


def test_sixteen_at_once_take_it_once(pg, d, sim, app):
    browser = Browser()
    back = browser.consent(begin(browser, link(pg, d, app)))
    before, statuses = sim.count("token.authorization_code"), []

    def go():
        mine = Browser()
        mine.cookies = dict(browser.cookies)
        statuses.append(mine.get(back).status)
    threads = [threading.Thread(target=go) for _ in range(16)]
    for t in threads:
        t.start()
    for t in threads:
        t.join(30)
    assert sorted(statuses) == [200] + [400] * 15 and sim.count("token.authorization_code") == before + 1


def test_expired(pg, d, app):
    browser = Browser()
    back = browser.consent(begin(browser, link(pg, d, app)))
    with pg.connect(d.database) as c, c.cursor() as q:
        q.execute("UPDATE oauth_states SET expires_at = now() - interval '1 second' WHERE app_id = %s", (app["id"],))
    a = browser.get(back)
    assert a.status == 400 and b"has expired" in a.body
    where = link(pg, d, app)
    with pg.connect(d.database) as c, c.cursor() as q:
        q.execute("UPDATE oauth_tickets SET expires_at = now() - interval '1 second' WHERE app_id = %s", (app["id"],))
    a = Browser().get(where)
    assert a.status == 400 and b"has expired" in a.body


def test_another_browser(pg, d, sim, app):
    browser, thief = Browser(), Browser()
    back = browser.consent(begin(browser, link(pg, d, app)))
    before = sim.count("token")
    a = thief.get(back)
    assert a.status == 403 and b"another browser" in a.body
    thief.cookies["ringd_oauth"] = "dcb_" + "0" * 49
    assert thief.get(back).status == 403
    assert sim.count("token") == before
    # The theft spoiled nothing for the owner.
    assert browser.get(back).status == 200


@pytest.mark.parametrize("query", ["", "?code=x", "?state=", "?state=x&code=y", "?state=dst_" + "0" * 49 + "&code=y",
                                   "?state=%00&code=y", "?error=access_denied", "?state=" + "x" * 4000])
def test_made_up_callbacks(d, sim, query):
    before = sim.count("token")
    a = Browser().get(f"http://127.0.0.1:{d.port}/auth/dialpad/callback{query}")
    assert a.status == 400 and a.headers["content-type"].startswith("text/html"), a
    assert sim.count("token") == before


def test_what_the_provider_says_is_escaped(pg, d, app):
    browser = Browser()
    url = begin(browser, link(pg, d, app))
    state = urllib.parse.parse_qs(urllib.parse.urlsplit(url).query)["state"][0]
    a = browser.get(f"http://127.0.0.1:{d.port}/auth/dialpad/callback?state={state}&error=%3Cscript%3Ealert(1)%3C/script%3E")
    assert a.status == 502 and b"<script>" not in a.body and b"&lt;script&gt;" in a.body


@pytest.mark.parametrize("fault,status,words", [
    ("error_500", 502, b"did not answer"), ("error_503", 502, b"did not answer"), ("garbage", 502, b"did not answer"),
    ("empty", 502, b"did not answer"), ("html", 502, b"did not answer"), ("error_in_200", 502, b"did not answer"),
    ("missing_access", 502, b"did not answer"), ("401", 502, b"not set up"), ("redirect", 502, b"took its answer back"),
    ("close", 502, b"did not answer"), ("huge", 502, b"did not answer"), ("missing_refresh", 200, b"is connected"),
    ("missing_expires", 200, b"is connected"), ("slow", 200, b"is connected"),
])
def test_odd_token_answers(pg, d, sim, app, fault, status, words):
    sim.misbehave(token=fault)
    before = sim.count("token")
    a = connect(pg, d, app)
    assert a.status == status and words in a.body, (fault, a)
    assert sim.count("token") == before + 1, "a code is sent once"
    stored = row(pg, d, app, "state, refresh_token IS NULL, expires_at IS NULL")
    assert stored == (None if status != 200 else ("connected", fault == "missing_refresh", fault == "missing_expires"))


@pytest.mark.parametrize("fault,status", [("404", 200), ("401", 502), ("garbage", 502), ("error_500", 502)])
def test_odd_answers_about_the_company(pg, d, sim, app, fault, status):
    sim.misbehave(times=9, rest__users=fault)
    a = connect(pg, d, app)
    assert a.status == status, a
    assert (row(pg, d, app, "company_id") == (None,)) == (status == 200)


def test_wrong_company(pg, d, sim, app):
    assert connect(pg, d, app).status == 200
    before = bytes(row(pg, d, app, "access_token")[0])
    sim.set(user=dict(sim.sim.settings["user"], company_id=999))
    given_back = sim.count("deauthorized")
    a = connect(pg, d, app)
    assert a.status == 409 and b"another Dialpad company" in a.body.replace(b"That is ", b"") or b"another" in a.body
    assert bytes(row(pg, d, app, "access_token")[0]) == before
    wait_for("the wrong grant to be given back", lambda: sim.count("deauthorized") == given_back + 1)
    sim.set(user=dict(sim.sim.settings["user"], company_id=5511220033440011))
    assert connect(pg, d, app).status == 200


def test_a_disabled_app_cannot_connect(pg, d, app):
    where = link(pg, d, app)
    browser = Browser()
    url = begin(browser, where)
    ringd.ringctl("app", "disable", app["id"], database=pg.dsn(d.database))
    assert Browser().get(where).status == 400
    assert browser.get(browser.consent(url)).status == 400
    assert row(pg, d, app, "state") is None


def test_back_to_the_crm(pg, d, app):
    browser = Browser()
    a = browser.get(browser.consent(begin(browser, link(pg, d, app, "--return-to", "https://crm.example/settings"))))
    assert a.status == 303 and a.headers["location"] == "https://crm.example/settings?dialpad=connected"
    browser = Browser()
    a = browser.get(browser.consent(begin(browser, link(pg, d, app, "--return-to", "https://crm.example/sub/x?y=1")), "deny"))
    assert a.status == 403 and b'href="https://crm.example/sub/x?y=1&amp;dialpad=denied"' in a.body, a


@pytest.mark.parametrize("url", ["https://evil.example/", "https://crm.example/settings2", "https://crm.example.evil/sub/", "javascript:alert(1)"])
def test_nowhere_else(pg, d, app, key, url):
    done = ringd.ringctl("dialpad", "connect-url", app["id"], "--return-to", url, database=pg.dsn(d.database), config=d.config, check=False)
    assert done.returncode == 2
    a = Browser().get(f"http://127.0.0.1:{d.port}/auth/dialpad/connect?return_to=" + urllib.parse.quote(url, safe=""), "POST", {"x-app-api-key": key})
    assert a.status == 400 and a.json["code"] == "return_to_not_allowed"


def test_no_secret_in_the_log(pg, d, sim, app):
    browser = Browser()
    url = begin(browser, link(pg, d, app))
    back = browser.consent(url)
    query = urllib.parse.parse_qs(urllib.parse.urlsplit(back).query)
    browser.get(back)
    text = d.text()
    for secret in (query["code"][0], query["state"][0], CLIENT_SECRET, "dct_", "dcb_", "dst_"):
        assert secret not in text, secret
    with pg.connect(d.database) as c, c.cursor() as q:
        q.execute("SELECT string_agg(t::text, ' ') FROM oauth_states t")
        states = q.fetchone()[0]
    assert query["state"][0] not in states and query["code"][0] not in states


# ---- the life of tokens


def short_lived(sim, seconds):
    sim.set(access_seconds=seconds)


def test_a_token_is_renewed_ahead(pg, d, sim, app):
    short_lived(sim, 5)
    before = sim.count("token.refresh_token")
    assert connect(pg, d, app).status == 200
    first = bytes(row(pg, d, app, "refresh_token")[0])
    wait_for("a renewal", lambda: sim.count("token.refresh_token") > before, 15)
    wait_for("it to be stored", lambda: bytes(row(pg, d, app, "refresh_token")[0]) != first)
    short_lived(sim, 3600)
    wait_for("a long one", lambda: row(pg, d, app, "expires_at > now() + interval '30 minutes'") == (True,), 15)
    assert row(pg, d, app, "state, attempts, last_error") == ("connected", 0, None)
    assert sim.count("token.reuse") == 0


def test_trouble_that_passes_is_tried_again(pg, d, sim, app):
    short_lived(sim, 3)
    assert connect(pg, d, app).status == 200
    sim.misbehave(token="error_503")
    short_lived(sim, 3600)
    wait_for("a failed try", lambda: row(pg, d, app, "attempts > 0") == (True,), 15)
    assert "503" in row(pg, d, app, "last_error")[0]
    wait_for("the next to do it", lambda: row(pg, d, app, "state, attempts") == ("connected", 0), 20)
    assert row(pg, d, app, "expires_at > now() + interval '30 minutes'") == (True,)


def test_a_dead_grant_needs_a_new_consent(pg, d, sim, app):
    short_lived(sim, 3)
    dead = scrape(d.admin).get("ringd_dialpad_refreshes_total", outcome="dead")
    assert connect(pg, d, app).status == 200
    with sim.sim.lock:
        sim.sim.refresh.clear()
    wait_for("needs_reconnect", lambda: row(pg, d, app, "state") == ("needs_reconnect",), 15)
    assert "Dialpad does not renew the token, the connection needs a new consent reason=" in d.text()
    assert scrape(d.admin).get("ringd_dialpad_refreshes_total", outcome="dead") == dead + 1
    short_lived(sim, 3600)
    assert connect(pg, d, app).status == 200
    assert row(pg, d, app, "state, last_error") == ("connected", None)


def test_a_token_that_is_refused_and_cannot_be_renewed_is_counted(pg, d, sim, app):
    sim.set(refresh=False)
    dead = scrape(d.admin).get("ringd_dialpad_refreshes_total", outcome="dead")
    assert connect(pg, d, app).status == 200
    sim.set(refresh=True)
    with sim.sim.lock:
        sim.sim.access.clear()
    with pg.connect(d.database) as c, c.cursor() as q:
        q.execute("UPDATE dialpad_connections SET hooks_due_at = now() WHERE app_id = %s", (app["id"],))
    wait_for("needs_reconnect", lambda: row(pg, d, app, "state") == ("needs_reconnect",), 15)
    assert scrape(d.admin).get("ringd_dialpad_refreshes_total", outcome="dead") == dead + 1
    assert "Dialpad refuses the token, and a renewed one would not help: the connection needs a new consent" in d.text()


def test_two_daemons_send_one_request(pg, d, sim, app, new_daemon):
    other = new_daemon(database=d.database)
    other.write(**settings(sim, other.port, key_ring(other.base)))
    other.start()
    try:
        short_lived(sim, 3600)
        assert connect(pg, d, app).status == 200
        for n in range(12):
            before = sim.count("token.refresh_token")
            with pg.connect(d.database) as c, c.cursor() as q:
                q.execute("UPDATE dialpad_connections SET next_try_at = now() WHERE app_id = %s", (app["id"],))
            wait_for("a renewal", lambda: row(pg, d, app, "next_try_at > now() + interval '1 minute'") == (True,), 20)
            assert sim.count("token.refresh_token") == before + 1, n
        assert sim.count("token.reuse") == 0
    finally:
        other.stop()


def test_what_was_begun_long_ago_is_forgotten(pg, new_daemon):
    x = new_daemon()
    old, late = "\\x" + "01" * 32, "\\x" + "02" * 32
    with pg.connect(x.database) as c, c.cursor() as q:
        q.execute("SELECT id FROM create_app('Old')")
        [app] = q.fetchone()
        for h, days in ((old, 8), (late, 6)):
            q.execute("INSERT INTO oauth_states (state_hash, app_id, cookie_hash, created_at, expires_at) "
                      "VALUES (%s, %s, %s, now(), now() - %s * interval '1 day')", (h, app, h, days))
            q.execute("INSERT INTO oauth_tickets (token_hash, app_id, created_at, expires_at) "
                      "VALUES (%s, %s, now(), now() - %s * interval '1 day')", (h, app, days))
        x.start()
        wait_for("both tables to be swept", lambda: "old links deleted count=1" in x.text() and "old connects deleted count=1" in x.text(), 15)
        q.execute("SELECT encode(state_hash, 'hex') FROM oauth_states UNION ALL SELECT encode(token_hash, 'hex') FROM oauth_tickets")
        assert q.fetchall() == [("02" * 32,), ("02" * 32,)]
    assert x.stop() == 0


def test_without_a_courier_it_is_503(pg, new_daemon, base):
    x = new_daemon().start()
    t = ringd.ringctl("app", "create", "No courier", database=pg.dsn(x.database))
    key = ringd.ringctl("key", "create", t["id"], "--scopes", "connect", database=pg.dsn(x.database))["api_key"]
    a = Browser().get(f"http://127.0.0.1:{x.port}/auth/dialpad/connect", "POST", {"x-app-api-key": key})
    assert a.status == 503 and a.json["code"] == "dialpad_not_configured"
    assert x.stop() == 0


def test_the_courier_killed_is_503_and_back(pg, d, app, key):
    [child] = [c for c in d.status()["children"] if c["role"] == "courier"]
    os.kill(child["pid"], 9)
    wait_for("it to be gone", lambda: not d.pids("courier") or d.pids("courier") != [child["pid"]])
    a = Browser().get(f"http://127.0.0.1:{d.port}/auth/dialpad/connect", "POST", {"x-app-api-key": key})
    assert a.status in (302, 503)
    assert d.get("/api/calls", app["api_key"]).status == 200

    def works():
        return Browser().get(f"http://127.0.0.1:{d.port}/auth/dialpad/connect", "POST", {"x-app-api-key": key}).status == 302
    wait_for("a new one", works, 30)


def test_pages_are_html_people_can_read(pg, d, app):
    page = connect(pg, d, app).body.decode()
    assert page.startswith("<!doctype html>") and '<html lang="en">' in page and "<main>" in page and len(re.findall("<h1", page)) == 1
