"""The PROXY protocol as the real haproxy and nginx speak it, and as liars do."""
import os
import signal
import socket
import sys
import time

import pytest

import proxies
import ringd
from proxies import Answers, client_of, get, post
from ringd import call_event, drained, jwt, raw, wait_for

pytestmark = pytest.mark.skipif(bool(proxies.MISSING), reason=f"needs {' and '.join(proxies.MISSING)}")
LOCAL = b"\r\n\r\n\0\r\nQUIT\n\x20\x00\x00\x00"
V1 = b"PROXY TCP4 203.0.113.5 192.0.2.1 5555 80\r\n"
CLOSING = b"GET /x HTTP/1.1\r\nHost: x\r\nConnection: close\r\nX-Request-Id: %s\r\n\r\n"


def v2(address, tlvs=b""):
    return (b"\r\n\r\n\0\r\nQUIT\n\x21\x11" + (12 + len(tlvs)).to_bytes(2, "big") + socket.inet_aton(address) +
            socket.inet_aton("192.0.2.1") + b"\x15\xb3\x00\x50" + tlvs)


@pytest.fixture(scope="module")
def daemon(new_daemon):
    port = ringd.free_port()
    d = new_daemon(workers=2, proxy={"trusted": "[127.0.0.1]"}, http={"header_timeout": "2s"},
                   listen=f"\n  - address: 127.0.0.1:{port}\n    proxy_protocol: true")
    d.port = port
    d.start()
    yield d
    code = d.stop()
    assert code == 0, f"exit {code}\n{d.text()[-3000:]}"


@pytest.fixture(scope="module", params=["haproxy v2", "haproxy v1", "nginx v1"])
def proxy(request, new_proxy, daemon):
    kind, version = request.param.split()
    return new_proxy(kind, daemon, version)


def rid():
    return f"pp.{os.urandom(6).hex()}"


@pytest.mark.parametrize("header", ["A: b", "X-Forwarded-For: 203.0.113.9", "X-Forwarded-For: 127.0.0.1", "X-Forwarded-Proto: https"])
def test_the_client_is_the_one_that_connected(proxy, daemon, header):
    me = rid()
    assert proxy.get("/x", header, f"X-Request-Id: {me}").status == 404
    assert client_of(daemon, me) == proxies.CLIENT


@pytest.mark.skipif(not proxies.IPV6, reason="no IPv6 here")
def test_an_ipv6_client_is_named(proxy, daemon):
    me = rid()
    assert proxy.get("/x", f"X-Request-Id: {me}", host="::1").status == 404
    assert client_of(daemon, me) == "::1"


@pytest.mark.parametrize("lie", [V1, v2("203.0.113.5"), LOCAL, b"PROXY UNKNOWN\r\n", V1 * 2])
def test_a_client_cannot_put_a_header_of_its_own(proxy, daemon, lie):
    """Behind the proxy's header comes HTTP or nothing: what looks like a second header is a bad request."""
    me = rid()
    got = proxy.exchange(lie + CLOSING % me.encode(), expect=2)
    assert [g.status for g in got] == [400]
    assert f"id={me}\n" not in daemon.text()


def test_sessions_pipelines_and_bodies(proxy, acme):
    """The header comes once; everything behind it is plain HTTP, up to large bodies and 100 Continue."""
    body = jwt(call_event(int.from_bytes(os.urandom(4), "big"), note="n" * 600_000), acme.secret)
    with proxy.connect() as s:
        answers = Answers(s)
        for n in range(5):
            s.sendall(get("/x", f"X-Request-Id: s{n}"))
            assert answers.one().id == f"s{n}"
        s.sendall(b"".join(get("/x", f"X-Request-Id: p{n}") for n in range(20)))
        assert [answers.one().id for _ in range(20)] == [f"p{n}" for n in range(20)]
        s.sendall(get(acme.path, f"Content-Length: {len(body)}", "Expect: 100-continue", method="POST"))
        assert s.recv(100).startswith(b"HTTP/1.1 100 ")
        s.sendall(body.encode())
        assert answers.one().status == 200
        s.sendall(post(acme.path, body))
        assert answers.one().status == 200


def test_a_large_body_refused_early(proxy, acme):
    for _ in range(5):
        with proxy.connect() as s:
            got = proxies.upload(s, [get(acme.path, "Content-Length: 3000000", method="POST")] + [b"x" * 50_000] * 60)
        assert got is not None and got.status == 413


def test_reloads_under_load_lose_nothing(proxy, daemon, pg):
    tenant = ringd.Tenant(pg.dsn(daemon.database), f"Reload {proxy.kind} {proxy.variant}")
    with proxies.Load(proxy, tenant) as load:
        proxies.reload_under(load, daemon)
    assert not load.wrong, (len(load.wrong), load.done, load.wrong[:5])
    with pg.connect(daemon.database) as db:
        drained(db, 60)
        with db.cursor() as c:
            c.execute("SELECT count(*) FROM calls WHERE app_id = %s", (tenant.id,))
            assert c.fetchone()[0] == len(load.acked) > 50


@pytest.mark.parametrize("version", ["v1", "v2"])
def test_health_checks_are_quiet(new_proxy, daemon, version):
    """A check is a connection that begins as one should (version 2: LOCAL) and ends: ringd says nothing of it, haproxy finds it well."""
    before = daemon.text().count(" closed: ")
    accepted = proxies.counters(daemon)[0]
    p = new_proxy("haproxy", daemon, version, changes=(("inter 2s", "inter 100ms"),))
    wait_for("a few checks", lambda: proxies.counters(daemon)[0] > accepted + 10, 20)
    assert daemon.text().count(" closed: ") == before and "DOWN" not in p.text()
    p.stop()


# ---- without a proxy: what the listener itself takes


@pytest.mark.parametrize("header,client", [
    (V1, "203.0.113.5"), (v2("203.0.113.6"), "203.0.113.6"), (v2("203.0.113.6", b"\x20\x00\x03abc\x04\x00\x00"), "203.0.113.6"),
    (LOCAL, "127.0.0.1"), (b"PROXY UNKNOWN\r\n", "127.0.0.1"), (b"PROXY UNKNOWN ff 1 2 3\r\n", "127.0.0.1"),
    (b"PROXY TCP6 2001:db8::5 2001:db8::1 5555 80\r\n", "2001:db8::5"), (b"PROXY TCP6 ::ffff:203.0.113.7 ::1 5555 80\r\n", "203.0.113.7"),
])
@pytest.mark.parametrize("cut", [None, 1, 7])
def test_good_headers(daemon, header, client, cut):
    me = rid()
    data = header + CLOSING % me.encode()
    with socket.create_connection(("127.0.0.1", daemon.port), timeout=5) as s:
        s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for i in range(0, len(data), cut or len(data)):
            s.sendall(data[i:i + (cut or len(data))])
        assert Answers(s).one().status == 404
    assert client_of(daemon, me) == client


@pytest.mark.parametrize("header", [
    b"", b"GARBAGE\r\n" + V1, b" " + V1, b"\r\n" + V1, b"\0" + V1, V1.lower(), V1[:-2] + b"\n", V1.replace(b" ", b"  ", 1), V1.replace(b" ", b"\t"),
    b"PROXY TCP4 203.0.113.5 192.0.2.1 5555 65536\r\n", b"PROXY TCP4 203.0.113.05 192.0.2.1 5555 80\r\n",
    b"PROXY TCP4 203.0.113.5 192.0.2.1 05555 80\r\n", b"PROXY TCP4 2001:db8::5 192.0.2.1 5555 80\r\n",
    b"PROXY TCP4 203.0.113.5 192.0.2.1 5555 80 x\r\n", b"PROXY TCP4 203.0.113.5 192.0.2.1 5555\r\n",
    b"PROXY TCP4 203.0.113.5 192.0.2.1 5555 80\r\r\n", b"PROXY " + b"x" * 200 + b"\r\n",
    b"PROXY UNKNOWN" + b" x" * 60 + b"\r\n",
    b"\r\n\r\n\0\r\nQUIT\n\x11\x11\x00\x0c" + b"x" * 12, b"\r\n\r\n\0\r\nQUIT\n\x22\x11\x00\x0c" + b"x" * 12,
    b"\r\n\r\n\0\r\nQUIT\n\x21\x41\x00\x0c" + b"x" * 12, b"\r\n\r\n\0\r\nQUIT\n\x21\x11\x00\x08" + b"x" * 8,
    b"\r\n\r\n\0\r\nQUIT\n\x21\x11\xff\xff" + b"x" * 2000, v2("203.0.113.6", b"\x20\x00\x09abc"), b"\r\n\r\n\0\r\nQUIX\n" + b"x" * 16,
])
def test_bad_headers_end_the_connection_without_a_word(daemon, header):
    me = rid()
    assert raw(daemon.port, header + CLOSING % me.encode(), 5) == b""
    assert f"id={me}\n" not in daemon.text()


@pytest.mark.parametrize("part", [b"", b"P", b"PROXY TCP4 203", V1[:-1], LOCAL[:13], v2("203.0.113.6")[:20]])
def test_half_a_header_is_not_waited_for_long(daemon, part):
    began = time.monotonic()
    assert raw(daemon.port, part, 10) == b""
    assert 1 < time.monotonic() - began < 6


@pytest.mark.skipif(sys.platform != "linux", reason="needs a second loopback address")
def test_a_header_is_taken_from_trusted_hops_only(daemon):
    """Who reaches the listener without being named in proxy.trusted cannot choose an address."""
    me = rid()
    for source, want in (("127.0.0.9", b""), ("127.0.0.1", b"HTTP/1.1 404")):
        with socket.create_connection(("127.0.0.1", daemon.port), timeout=5, source_address=(source, 0)) as s:
            try:
                s.sendall(V1 + CLOSING % (me + source).encode())
                got = s.recv(65536)
            except ConnectionResetError:
                got = b""
            assert got[:12] == want
    assert f"id={me}127.0.0.9\n" not in daemon.text() and 'a PROXY header is taken from proxy.trusted only" client=127.0.0.9' in daemon.text()


def test_a_reload_changes_who_is_trusted(daemon):
    daemon.write(proxy={"trusted": "[192.0.2.1]"})
    daemon.kill(signal.SIGHUP)
    try:
        wait_for("the new rule", lambda: raw(daemon.port, V1 + CLOSING % b"pp.rule", 5) == b"", 20)
    finally:
        daemon.write(proxy={"trusted": "[127.0.0.1]"})
        daemon.kill(signal.SIGHUP)
        wait_for("the old rule", lambda: raw(daemon.port, V1 + CLOSING % b"pp.rule", 5).startswith(b"HTTP/1.1 404"), 20)
