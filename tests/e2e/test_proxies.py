"""ringd behind the real nginx and haproxy, on the examples of etc/proxy/: what an administrator gets who takes them as they are."""
import json
import os
import signal
import socket
import ssl
import threading

import pytest

import proxies
import ringd
from proxies import Answers, client_of, counters, get, post, seen
from ringd import call_event, drained, jwt, wait_for

pytestmark = pytest.mark.skipif(bool(proxies.MISSING), reason=f"needs {' and '.join(proxies.MISSING)}")
KINDS = ["nginx", "haproxy"]
# The examples' limits of requests are tested once; everywhere else they would only be in the way.
UNLIMITED = {"nginx": (("rate=100r/s", "rate=100000r/s"), ("burst=200", "burst=10000")), "haproxy": (("gt 300", "gt 1000000"),)}


@pytest.fixture(scope="module")
def daemon(new_daemon):
    d = new_daemon(workers=2, proxy={"trusted": "[127.0.0.1]"}).start()
    yield d
    code = d.stop()
    assert code == 0, f"exit {code}\n{d.text()[-3000:]}"


@pytest.fixture(scope="module", params=KINDS)
def proxy(request, new_proxy, daemon):
    return new_proxy(request.param, daemon, changes=UNLIMITED[request.param])


def rid(name, proxy):
    return f"{name}.{proxy.kind}.{os.urandom(4).hex()}"


# ---- who asks, and how


@pytest.mark.parametrize("header", [
    "X-Forwarded-For: 203.0.113.9", "X-Forwarded-For: 203.0.113.9, 127.0.0.1", "X-Forwarded-For: 127.0.0.1, 203.0.113.9",
    "x-forwarded-for: 2001:db8::7", "X-Forwarded-For:", "X-Forwarded-For: 203.0.113.9\r\nX-Forwarded-For: 198.51.100.4",
    "X_Forwarded_For: 203.0.113.9", "Forwarded: for=203.0.113.9;proto=http", "X-Real-IP: 203.0.113.9",
    "Connection: X-Forwarded-For", "Connection: close, X-Forwarded-For, X-Forwarded-Proto", "X-Forwarded-Proto: http",
])
def test_a_client_cannot_say_who_it_is(proxy, daemon, header):
    """The proxy writes the address, whatever the client wrote: ringd logs the one connection there really was."""
    me = rid("liar", proxy)
    assert proxy.get("/x", header, f"X-Request-Id: {me}").status == 404
    assert client_of(daemon, me) == proxies.CLIENT


@pytest.mark.skipif(not proxies.IPV6, reason="no IPv6 here")
def test_an_ipv6_client_is_named(proxy, daemon):
    me = rid("six", proxy)
    assert proxy.get("/x", "X-Forwarded-For: 203.0.113.9", f"X-Request-Id: {me}", host="::1").status == 404
    assert client_of(daemon, me) == "::1"


def test_hops_before_the_proxy(new_proxy, daemon):
    """Two proxies in line, the inner one told of the outer: the client is the one before the outer, whatever it claims to be behind."""
    inner = new_proxy("nginx", daemon, changes=UNLIMITED["nginx"] + (
        (r"#set_real_ip_from 192\.0\.2\.0/24;", "set_real_ip_from 127.0.0.0/8;"), ("#real_ip_header", "real_ip_header"),
        ("#real_ip_recursive", "real_ip_recursive")))
    for n, (value, client) in enumerate([("203.0.113.9", "203.0.113.9"), ("198.51.100.4, 203.0.113.9", "203.0.113.9"),
                                         ("203.0.113.9, 127.0.0.1", "203.0.113.9"), ("2001:db8::7", "2001:db8::7"),
                                         ("198.51.100.4, junk", proxies.CLIENT)]):
        me = rid(f"hops{n}", inner)
        assert inner.get("/x", f"X-Forwarded-For: {value}", f"X-Request-Id: {me}").status == 404
        assert client_of(daemon, me) == client


def test_nobody_is_believed_who_is_not_named(new_daemon, new_proxy):
    """The same proxy before a ringd that was not told of it: its word counts as little as a stranger's."""
    d = new_daemon(workers=1, proxy={"trusted": "[192.0.2.1]"}).start()
    p = new_proxy("nginx", d)
    me = rid("stranger", p)
    assert p.get("/x", f"X-Request-Id: {me}").status == 404
    assert client_of(d, me) == "127.0.0.1"
    p.stop()
    assert d.stop() == 0


def test_the_request_id_is_one_from_client_to_log(proxy, daemon):
    me = rid("mine", proxy)
    assert proxy.get("/x", f"X-Request-Id: {me}").id == me
    made = proxy.get("/x").id
    assert made and seen(daemon, made)
    for bad in ("X-Request-Id: a b", "X-Request-Id: " + "a" * 65, "X-Request-Id: \u00e9", 'X-Request-Id: a"b'):
        got = proxy.exchange(get("/x", bad))[0]
        assert got.id and seen(daemon, got.id), bad
        wait_for("the proxy's own line", lambda: f"id={got.id}" in proxy.text(), 5)
    wait_for("the proxy's own line", lambda: f"id={me}" in proxy.text(), 5)


def test_no_secret_in_the_proxys_log(proxy, daemon, acme):
    me = rid("hook", proxy)
    assert proxy.exchange(post(acme.path, jwt(call_event(710001), acme.secret), f"X-Request-Id: {me}"))[0].status == 200
    assert proxy.get("/api/calls?phone_number=%2B15550142233", f"x-app-api-key: {acme.key}", f"X-Request-Id: {me}q").status == 200
    wait_for("its line", lambda: f"id={me}q" in proxy.text(), 5)
    assert acme.path.rsplit("/", 1)[1] not in proxy.text() and acme.key not in proxy.text() and "5550142233" not in proxy.text()


# ---- connections


def test_connections_to_ringd_are_used_again(proxy, daemon):
    """Three hundred requests of sixty clients come over a handful of connections."""
    before = counters(daemon)
    for _ in range(60):
        with proxy.connect() as s:
            answers = Answers(s)
            for _ in range(5):
                s.sendall(get("/x"))
                assert answers.one().status == 404
    wait_for("the counters", lambda: counters(daemon)[1] >= before[1] + 300, 5)
    assert counters(daemon)[0] - before[0] <= 8


def test_many_clients_at_once_get_their_own_answers(proxy, daemon, acme):
    wrong = []

    def client(i):
        try:
            with proxy.connect() as s:
                answers = Answers(s)
                for n in range(40):
                    me = f"own.{i}.{n}.{os.urandom(3).hex()}"
                    path, want = (f"/own/{me}", 404) if n % 3 else ("/api/calls/active", 401)
                    s.sendall(get(path, f"X-Request-Id: {me}"))
                    got = answers.one()
                    if got is None or got.status != want or got.id != me or got.body and json.loads(got.body)["request_id"] != me:
                        wrong.append((me, got))
        except (OSError, AssertionError) as e:
            wrong.append((i, e))
    threads = [threading.Thread(target=client, args=(i,)) for i in range(16)]
    for t in threads:
        t.start()
    for t in threads:
        t.join(60)
    assert not wrong, wrong[:5]


def test_pipelined_requests_are_answered_in_order(proxy):
    ids = [rid(f"pipe{n}", proxy) for n in range(30)]
    methods = ["HEAD" if n % 4 == 1 else "OPTIONS" if n % 4 == 2 else "GET" for n in range(30)]
    paths = ["/api/calls" if m == "OPTIONS" else "/x" for m in methods]
    with proxy.connect() as s:
        s.sendall(b"".join(get(path, f"X-Request-Id: {i}", method=m) for path, i, m in zip(paths, ids, methods)))
        got = Answers(s, methods).read(30)
    assert [g.id for g in got] == ids
    assert [g.status for g in got] == [204 if m == "OPTIONS" else 404 for m in methods]


def test_head_and_204_leave_the_connection_clean(proxy, acme):
    """Announced lengths of bodies that are not sent, and no length at all: the next answer begins where it should."""
    key = f"x-app-api-key: {acme.key}"
    with proxy.connect() as s:
        methods = ["HEAD", "GET", "OPTIONS", "HEAD", "GET"] * 4
        answers = Answers(s, list(methods))
        for n, m in enumerate(methods):
            s.sendall(get("/api/calls", key, f"X-Request-Id: head{n}", method=m))
            got = answers.one()
            assert (got.status, got.id) == (204 if m == "OPTIONS" else 200, f"head{n}")
            assert m != "GET" or json.loads(got.body)["success"] is True
            assert m != "HEAD" or int(got.headers["content-length"]) > 0


def test_http_1_0_through_the_proxy(proxy):
    assert proxy.exchange(get("/x", "X-Request-Id: old", version="1.0"))[0].id == "old"
    got = proxy.exchange(get("/x", "X-Request-Id: old1", "Connection: keep-alive", version="1.0") + get("/x", "X-Request-Id: old2", version="1.0"),
                         expect=2)
    assert [g.id for g in got] == ["old1", "old2"]


def test_plain_http_is_sent_to_https(proxy):
    got = ringd.raw(proxy.plain, get("/webhooks/dialpad?a=b", "Connection: close", method="POST"))
    assert got.startswith(b"HTTP/1.1 308") and b"https://cti.example.com/webhooks/dialpad?a=b" in got


# ---- bodies


def big_event(n, size):
    return call_event(n, note="n" * size)


@pytest.mark.parametrize("size", [1, 15_000, 60_000, 500_000, 700_000])
@pytest.mark.parametrize("framing", ["length", "chunked", "expect", "expect chunked"])
def test_bodies_arrive_whole(proxy, daemon, db, acme, size, framing):
    """As large as ringd takes them (JWT adds a third), however they are framed; what is stored is what was sent."""
    number = int.from_bytes(os.urandom(4), "big")
    event = big_event(number, size)
    body = jwt(event, acme.secret).encode()
    headers = [f"X-Request-Id: body.{number}"]
    if "expect" in framing:
        headers.append("Expect: 100-continue")
    if "chunked" in framing:
        head = get(acme.path, *headers, "Transfer-Encoding: chunked", method="POST")
        step = max(7, len(body) // 50)
        parts = b"".join(b"%x\r\n%s\r\n" % (len(body[i:i + step]), body[i:i + step]) for i in range(0, len(body), step)) + b"0\r\n\r\n"
    else:
        head, parts = get(acme.path, *headers, f"Content-Length: {len(body)}", method="POST"), body
    with proxy.connect() as s:
        s.sendall(head)
        if "expect" in framing:
            first = b""
            while b"\r\n\r\n" not in first:
                first += s.recv(1000)
            assert first.startswith(b"HTTP/1.1 100 "), first
        s.sendall(parts)
        got = Answers(s).one()
    assert (got.status, got.id) == (200, f"body.{number}")
    with db.cursor() as c:
        c.execute("SELECT payload FROM webhook_events WHERE id = %s", (json.loads(got.body)["data"]["event_id"],))
        assert c.fetchone()[0] == event


@pytest.mark.parametrize("length", [1_048_577, 1_500_000, 2_500_000, 20_000_000])
@pytest.mark.parametrize("framing", ["length", "chunked"])
def test_a_body_too_large_gets_its_413(proxy, acme, length, framing):
    """Answered while the body is still coming: the answer is read, is a 413 in the house's words, and no 502."""
    me = rid("large", proxy)
    parts = [b"x" * min(50_000, length - at) for at in range(0, length, 50_000)]
    if framing == "length":
        head = get(acme.path, f"X-Request-Id: {me}", f"Content-Length: {length}", method="POST")
    else:
        head = get(acme.path, f"X-Request-Id: {me}", "Transfer-Encoding: chunked", method="POST")
        parts = [b"%x\r\n%s\r\n" % (len(part), part) for part in parts] + [b"0\r\n\r\n"]
    with proxy.connect() as s:
        got = proxies.upload(s, [head] + parts)
    assert got is not None and got.status == 413 and json.loads(got.body)["code"] == "body_too_large", got


def test_an_early_refusal_through_a_proxy_that_streams(new_proxy, daemon, acme):
    """nginx told not to collect bodies first: ringd's answer still comes before the body's end, twenty times out of twenty."""
    p = new_proxy("nginx", daemon, changes=UNLIMITED["nginx"] + (
        ("client_body_buffer_size 64k;", "proxy_request_buffering off;"), ("client_max_body_size 2m;", "client_max_body_size 100m;")))
    for n in range(20):
        path, want = ((acme.path, 413), ("/nowhere", 404), ("/api/calls/active", 413))[n % 3]
        with p.connect() as s:
            got = proxies.upload(s, [get(path, f"X-Request-Id: early{n}", "Content-Length: 3000000", method="POST" if n % 3 < 2 else "GET")] +
                                 [b"x" * 50_000] * 60)
        assert got is not None and (got.status, got.id) == (want, f"early{n}"), got


# ---- heads


def test_heads_up_to_the_limit_pass_and_beyond_it_are_refused_by_name(proxy, daemon):
    """Large ones reach ringd, which refuses in its own words; nothing is ever a 502 or cut short."""
    for size, want in ((8_000, 404), (15_000, 404), (16_600, 431), (20_000, 431), (28_000, 431)):
        got = proxy.get("/x", "A: " + "a" * size, f"X-Request-Id: head{size}")
        # A head that was not read to its end has an id of ringd's making.
        assert got.status == want and (got.id == f"head{size}" or want == 431 and seen(daemon, got.id)), (size, got)
    for size, want in ((7_900, 404), (8_300, 414), (12_000, 414)):
        got = proxy.get("/" + "p" * size, f"X-Request-Id: path{size}")
        assert got.status == want and (got.id == f"path{size}" or want == 414 and seen(daemon, got.id)), (size, got)
    got = proxy.get("/x", *[f"A{n}: b" for n in range(99)], "X-Request-Id: count")
    assert got.status == 431
    for size in (70_000, 200_000):
        with proxy.connect() as s:
            assert 400 <= proxies.upload(s, [get("/x", "A: " + "a" * size)]).status < 500


# ---- limits and trouble


@pytest.mark.parametrize("kind", KINDS)
def test_clients_are_limited_webhooks_never(new_proxy, daemon, acme, kind):
    """As the example stands: the API says 429 with Retry-After to one that storms it, a provider is always let through."""
    p = new_proxy(kind, daemon)
    statuses = []

    def storm(make, count):
        with p.connect() as s:
            answers = Answers(s)
            for n in range(count):
                s.sendall(make(n))
                statuses.append(answers.one())

    def at_once(make, count=150, clients=6):
        statuses.clear()
        threads = [threading.Thread(target=storm, args=(make, count)) for _ in range(clients)]
        for t in threads:
            t.start()
        for t in threads:
            t.join(120)
        return statuses
    got = at_once(lambda n: get("/api/calls/active"))
    limited = [g for g in got if g.status == 429]
    assert limited and {g.status for g in got} == {401, 429}
    assert all(json.loads(g.body)["code"] == "rate_limited" and int(g.headers["retry-after"]) > 0 for g in limited)
    body = jwt(call_event(720001), acme.secret)
    assert {g.status for g in at_once(lambda n: post(acme.path, body))} == {200}


@pytest.mark.parametrize("kind", KINDS)
def test_without_ringd_a_provider_is_told_to_try_again(new_daemon, new_proxy, kind):
    d = new_daemon(workers=1, proxy={"trusted": "[127.0.0.1]"}).start()
    p = new_proxy(kind, d)
    assert p.get("/x").status == 404
    if kind == "haproxy":     # its health check asks the admin listener and never finds it wanting
        assert "DOWN" not in p.text()
    assert d.stop() == 0
    got = p.exchange(post("/webhooks/dialpad", "x"))[0]
    assert got.status == 503 and got.headers["retry-after"] == "2" and json.loads(got.body)["code"] == "unavailable"
    if kind == "haproxy":
        wait_for("haproxy to see it down", lambda: "is DOWN" in p.text(), 15)
    d.start()
    wait_for("service again", lambda: p.get("/x").status == 404, 15)
    p.stop()
    assert d.stop() == 0


def test_readiness_by_way_of_nginx_for_whom_it_names(new_proxy, daemon):
    p = new_proxy("nginx", daemon)
    assert p.get("/health/ready").status == (403 if proxies.CLIENT != "127.0.0.1" else 200)
    named = new_proxy("nginx", daemon, changes=(("allow 127.0.0.1;", f"allow {proxies.CLIENT};"),))
    assert json.loads(named.get("/health/ready").body)["data"]["status"] == "ready"
    assert named.get("/status").status == 404 and named.get("/health/live").status == 404


def test_reloads_under_load_lose_nothing(proxy, daemon, pg, db):
    """Five reloads of ringd while clients read and a provider posts through the proxy: every answer is the right one."""
    tenant = ringd.Tenant(pg.dsn(daemon.database), f"Reload {proxy.kind}")
    reloads = daemon.status()["reloads"]
    with proxies.Load(proxy, tenant) as load:
        proxies.reload_under(load, daemon)
    assert not load.wrong, (len(load.wrong), load.done, load.wrong[:5])
    assert load.done > 300 and daemon.status()["reloads"] == reloads + 5
    drained(db, 60)
    with db.cursor() as c:
        c.execute("SELECT count(*) FROM calls WHERE app_id = %s", (tenant.id,))
        assert c.fetchone()[0] == len(load.acked)


def test_a_reload_of_the_proxy_itself_loses_nothing(new_proxy, daemon):
    """nginx replaces its workers: ringd sees connections end, and the next come."""
    p = new_proxy("nginx", daemon, changes=UNLIMITED["nginx"])
    for _ in range(5):
        assert p.get("/x").status == 404
        p.process.send_signal(signal.SIGHUP)
        for _ in range(20):
            assert p.get("/x").status == 404


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_tls_is_resumed_and_old_versions_refused(proxy):
    """Sessions are taken up again (1.2: by id, there are no tickets), TLS 1.1 is not spoken."""
    c = ssl.create_default_context(cafile=str(proxy.crt))
    c.maximum_version = ssl.TLSVersion.TLSv1_2
    with c.wrap_socket(socket.create_connection(("127.0.0.1", proxy.port), 5), server_hostname=proxies.NAME) as s:
        s.sendall(get("/x"))
        assert Answers(s).one().status == 404
        session = s.session
        assert not session.has_ticket
    with c.wrap_socket(socket.create_connection(("127.0.0.1", proxy.port), 5), server_hostname=proxies.NAME, session=session) as s:
        s.sendall(get("/x"))
        assert Answers(s).one().status == 404 and s.session_reused
    old = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    old.check_hostname, old.verify_mode = False, ssl.CERT_NONE
    old.set_ciphers("ALL:@SECLEVEL=0")
    old.options |= ssl.OP_NO_TLSv1_2 | ssl.OP_NO_TLSv1_3
    with pytest.raises(ssl.SSLError), old.wrap_socket(socket.create_connection(("127.0.0.1", proxy.port), 5)):
        pass
