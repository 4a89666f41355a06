"""The same journey against an authorization server that was not written for us: only addresses and paths are configured."""
import urllib.parse

import pytest

import ringd
from dialpad_sim import Browser, key_ring
from ringd import wait_for

try:
    import standard_server
except ImportError:
    pytest.skip("needs python3-oauthlib", allow_module_level=True)

PATHS = {"authorize_path": "/as/authorization", "token_path": "/as/token", "me_path": "/v1/whoami", "scopes": "calls offline_access"}


@pytest.fixture
def play(pg, new_daemon):
    made = []

    def make(basic=True, other_port=False, **keys):
        d = new_daemon()
        s = standard_server.Standard(f"http://127.0.0.1:{d.port}/auth/dialpad/callback", basic, other_port)
        dialpad = {"base_url": s.api_url, "client_id": f"'{standard_server.CLIENT_ID}'", "client_secret": f"'{standard_server.CLIENT_SECRET}'",
                   "client_basic": str(basic).lower(), **PATHS, **keys}
        if other_port:
            dialpad["oauth_url"] = s.oauth_url
        d.write(public_url=f"http://127.0.0.1:{d.port}", courier={"key_file": str(key_ring(d.base)), "allow_private": "true"}, dialpad=dialpad)
        d.start()
        d.app = ringd.ringctl("app", "create", "Standard", database=pg.dsn(d.database))["id"]
        made.append((d, s))
        return d, s
    yield make
    for d, s in made:
        code = d.stop()
        s.close()
        assert code == 0, d.text()[-3000:]


def connect(pg, d):
    """The server asks nobody: whoever comes has agreed."""
    browser = Browser()
    link = ringd.ringctl("dialpad", "connect-url", d.app, database=pg.dsn(d.database), config=d.config)["url"]
    there = browser.get(link)
    assert there.status == 302, there
    back = Browser().get(there.headers["location"])
    assert back.status == 302, back
    return browser.get(back.headers["location"])


def row(pg, d, columns):
    with pg.connect(d.database) as c, c.cursor() as q:
        q.execute(f"SELECT {columns} FROM dialpad_connections WHERE app_id = %s", (d.app,))
        return q.fetchone()


@pytest.mark.parametrize("other_port", [False, True])
@pytest.mark.parametrize("basic", [True, False])
def test_connect_and_renew(pg, play, basic, other_port):
    d, s = play(basic, other_port)
    s.expires_in = 4
    page = connect(pg, d)
    assert page.status == 200 and b"Standard Person" in page.body, (page, s.refused)
    assert row(pg, d, "state, company_id") == ("connected", "4242")
    wait_for("a renewal", lambda: s.validator.spent, 20)
    s.expires_in = 3600
    wait_for("a long one", lambda: row(pg, d, "state, expires_at > now() + interval '30 minutes'") == ("connected", True), 20)
    assert s.refused == []

    def asked(origin):      # but for hooks, which are Dialpad's own
        return {p for o, _, p in s.asked if o == origin and not p.startswith("/api/v2/")}
    # Each was asked what is its own, and nothing else.
    assert asked(s.oauth_url) - {"/v1/whoami"} == {"/as/authorization", "/as/token"}
    assert asked(s.api_url) - {"/as/authorization", "/as/token"} == {"/v1/whoami"}
    assert not other_port or s.oauth_url != s.api_url


@pytest.mark.parametrize("basic", [True, False])
def test_the_wrong_way_to_say_who_we_are(pg, play, basic):
    d, s = play(basic, client_basic=str(not basic).lower())
    page = connect(pg, d)
    assert page.status == 502 and b"not set up for Dialpad" in page.body, page
    assert s.refused[-1][1] == 401 and row(pg, d, "state") is None


def test_a_redirect_address_that_is_left_out(pg, play):
    d, s = play(send_redirect_uri="false")
    page = connect(pg, d)
    assert page.status == 502 and row(pg, d, "state") is None, page
    assert [r[0] for r in s.refused] == ["/as/token"]


def test_a_verifier_that_does_not_fit(pg, play):
    """Our own: were the challenge of another connect taken, the server would notice."""
    d, s = play()
    browser = Browser()
    link = ringd.ringctl("dialpad", "connect-url", d.app, database=pg.dsn(d.database), config=d.config)["url"]
    back = Browser().get(browser.get(link).headers["location"]).headers["location"]
    for held in s.validator.codes.values():
        held["challenge"] = "x" * 43
    page = browser.get(back)
    assert page.status == 502 and row(pg, d, "state") is None, page


def test_scopes_that_are_refused(pg, play):
    d, s = play(scopes="calls root")
    page = connect(pg, d)
    assert page.status == 502 and b"invalid_scope" in page.body, page


def test_an_api_that_knows_nobody(pg, play):
    d, s = play(me_path="/elsewhere")
    assert connect(pg, d).status == 200 and row(pg, d, "state, company_id") == ("connected", None)


def test_a_grant_that_was_withdrawn(pg, play):
    d, s = play()
    s.expires_in = 4
    assert connect(pg, d).status == 200
    s.validator.refresh.clear()
    wait_for("needs_reconnect", lambda: row(pg, d, "state") == ("needs_reconnect",), 20)
    s.expires_in = 3600
    assert connect(pg, d).status == 200 and row(pg, d, "state") == ("connected",)


def test_an_access_token_that_says_its_kind(pg, play):
    """A kind we do not know must not be used (RFC 6749, 7.1)."""
    d, s = play()
    create = s.oauth.create_token_response

    def odd(*a, **k):
        headers, body, status = create(*a, **k)
        return headers, body.replace('"token_type": "Bearer"', '"token_type": "mac"'), status
    s.oauth.create_token_response = odd
    page = connect(pg, d)
    assert page.status == 502 and row(pg, d, "state") is None, page
    assert "/v1/whoami" not in [p for _, _, p in s.asked]


def test_the_address_people_are_sent_to(pg, play):
    d, s = play()
    link = ringd.ringctl("dialpad", "connect-url", d.app, database=pg.dsn(d.database), config=d.config)["url"]
    url = urllib.parse.urlsplit(Browser().get(link).headers["location"])
    q = urllib.parse.parse_qs(url.query, strict_parsing=True)
    assert set(q) == standard_server.AUTHORIZE and all(len(v) == 1 for v in q.values())
    assert q["client_id"] == [standard_server.CLIENT_ID] and q["code_challenge_method"] == ["S256"]
