"""HTTPS as clients meet it: versions, names, tickets, hostile handshakes, and HTTP as strict as ever inside."""
import concurrent.futures
import fcntl
import http.client
import re
import shutil
import socket
import ssl
import subprocess
import termios
import time

import pytest

import ringd
from ringd import call_event, drained, jwt, wait_for
from test_http import BAD_CHUNKS, CHUNKED, REFUSED, SMUGGLED, get, statuses


def listen(port, *more):
    return "\n  - address: 127.0.0.1:%d\n    tls: true" % port + "".join(f"\n  - {m}" for m in more)


def certificates(*pairs):
    return "[" + ", ".join("{cert: %s, key: %s%s}" % (c, k, f", ocsp: {o[0]}" if o else "") for c, k, *o in pairs) + "]"


def context(ca, low=ssl.TLSVersion.TLSv1_3, high=ssl.TLSVersion.TLSv1_3, alpn=None):
    c = ssl.create_default_context(cafile=str(ca.ca_file))
    c.minimum_version, c.maximum_version = low, high
    if alpn:
        c.set_alpn_protocols(alpn)
    return c


def connect(ca, port, name="ringd.test", ctx=None, session=None, timeout=10):
    s = socket.create_connection(("127.0.0.1", port), timeout=timeout)
    try:
        return (ctx or context(ca)).wrap_socket(s, server_hostname=name, session=session)
    except BaseException:
        s.close()
        raise


class Hand:
    """A client whose records are put together by hand, to be sent in any company."""

    def __init__(self, ca):
        self.ins, self.out = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = context(ca).wrap_bio(self.ins, self.out, server_hostname="ringd.test")

    def hello(self):
        with pytest.raises(ssl.SSLWantReadError):
            self.tls.do_handshake()
        return self.out.read()

    def take(self, s):
        got = s.recv(65536)
        assert got, "the server closed the connection"
        self.ins.write(got)

    def shake(self, s, first=b""):
        """Ends the handshake; the Finished is left in self.out, to go with what is written next."""
        s.sendall(first + self.hello())
        while True:
            try:
                return self.tls.do_handshake()
            except ssl.SSLWantReadError:
                self.take(s)

    def read(self, s):
        while True:
            try:
                return self.tls.read(65536)
            except ssl.SSLWantReadError:
                self.take(s)


def strict(ca, port):
    """A connection on which an end without close_notify is an error, as it is not with Python's own settings."""
    c = context(ca)
    c.options &= ~getattr(ssl, "OP_IGNORE_UNEXPECTED_EOF", 0)
    return c.wrap_socket(socket.create_connection(("127.0.0.1", port), timeout=10), server_hostname="ringd.test", suppress_ragged_eofs=False)


def read_all(s):
    out = b""
    try:
        while got := s.recv(65536):
            out += got
    except (ssl.SSLError, ConnectionResetError, socket.timeout):
        pass
    return out


def raw_tls(ca, port, data, timeout=10):
    """ringd.raw, inside TLS."""
    with connect(ca, port, timeout=timeout) as s:
        try:
            for part in [data] if isinstance(data, bytes) else data:
                s.sendall(part)
        except OSError:
            pass
        return read_all(s)


def https(ca, port, method, path, headers=None, body=None, name="ringd.test"):
    with connect(ca, port, name) as s:
        c = http.client.HTTPConnection("127.0.0.1", port)
        c.sock = s
        c.request(method, path, body=body, headers={"Host": name, **(headers or {})})
        r = c.getresponse()
        return ringd.Answer(r.status, {k.lower(): v for k, v in r.getheaders()}, r.read())


def total(d, what):
    return d.status()["totals"][what]


@pytest.fixture(scope="module")
def own(ca):
    return ca.server("ringd.test", "*.apps.test")


@pytest.fixture(scope="module")
def second(ca):
    return ca.server("second.test")


@pytest.fixture(scope="module")
def daemon(new_daemon, own, second):
    port, plain, behind = ringd.free_port(), ringd.free_port(), ringd.free_port()
    d = new_daemon(listen=listen(port, f"address: 127.0.0.1:{plain}\n    redirect: true",
                                 f"address: 127.0.0.1:{behind}\n    tls: true\n    proxy_protocol: true"),
                   tls={"certificates": certificates(own, second), "handshake_timeout": "1s", "redirect_port": port},
                   log={"access": "true"})
    d.port, d.plain, d.behind = port, plain, behind
    d.start()
    yield d
    assert d.stop() == 0, d.text()[-3000:]


@pytest.fixture(scope="module")
def older(new_daemon, own):
    port = ringd.free_port()
    d = new_daemon(listen=listen(port), tls={"certificates": certificates(own), "min_version": "1.2", "hsts": "0s"}, workers=1)
    d.port = port
    d.start()
    yield d
    assert d.stop() == 0, d.text()[-3000:]


class TestVersions:
    def test_tls_1_3_with_http_1_1_and_hsts(self, ca, daemon):
        with connect(ca, daemon.port, ctx=context(ca, alpn=["h2", "http/1.1"])) as s:
            assert s.version() == "TLSv1.3" and s.selected_alpn_protocol() == "http/1.1" and s.compression() is None
        answer = https(ca, daemon.port, "GET", "/api/calls")
        assert answer.status == 401 and answer.headers["strict-transport-security"] == "max-age=31536000"

    def test_hsts_only_where_it_is_wanted(self, ca, daemon, older):
        assert "strict-transport-security" not in ringd.request(daemon.admin, "GET", "/health/live").headers
        assert "strict-transport-security" not in ringd.request(daemon.plain, "GET", "/").headers
        with connect(ca, older.port, ctx=context(ca, ssl.TLSVersion.TLSv1_2)) as s:
            s.sendall(get(b"/x", b"Host: x", b"Connection: close"))
            assert b"strict-transport" not in read_all(s).lower()

    def test_older_versions_only_when_set(self, ca, daemon, older):
        two = context(ca, ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_2)
        with pytest.raises(ssl.SSLError, match="PROTOCOL_VERSION|alert protocol version"):
            connect(ca, daemon.port, ctx=two)
        with connect(ca, older.port, ctx=two) as s:
            assert s.version() == "TLSv1.2" and s.cipher()[0].startswith("ECDHE-")
        with connect(ca, older.port) as s:
            assert s.version() == "TLSv1.3"

    @pytest.mark.parametrize("ciphers", ["AES128-GCM-SHA256", "ECDHE-ECDSA-AES128-SHA256", "ECDHE-ECDSA-AES256-SHA", "DHE-RSA-AES128-GCM-SHA256"])
    def test_1_2_only_with_forward_secrecy_and_aead(self, ca, older, ciphers):
        two = context(ca, ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_2)
        two.set_ciphers(ciphers)
        with pytest.raises(ssl.SSLError, match="HANDSHAKE_FAILURE|handshake failure"):
            connect(ca, older.port, ctx=two)

    def test_tls_1_1_is_never_spoken(self, older):
        done = subprocess.run(["openssl", "s_client", "-connect", f"127.0.0.1:{older.port}", "-tls1_1", "-cipher", "ALL:@SECLEVEL=0"],
                              stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=20)
        assert done.returncode != 0 and "alert protocol version" in done.stderr

    def test_other_protocols_are_told_so(self, ca, daemon):
        with pytest.raises(ssl.SSLError, match="NO_APPLICATION_PROTOCOL|no application protocol"):
            connect(ca, daemon.port, ctx=context(ca, alpn=["h2"]))

    def test_renegotiation_is_refused(self, older):
        """A client that asks gets no second handshake; the connection is as good as before, or over."""
        p = subprocess.Popen(["openssl", "s_client", "-connect", f"127.0.0.1:{older.port}", "-tls1_2", "-legacy_renegotiation"],
                             stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        p.stdin.write(b"R\n")
        p.stdin.flush()
        out = p.communicate(timeout=20)[0].decode(errors="replace")
        assert "RENEGOTIATING" in out and "no renegotiation" in out, out[-2000:]


class TestNames:
    @pytest.mark.parametrize("name,common", [
        ("ringd.test", "ringd.test"), ("RINGD.Test", "ringd.test"), ("one.apps.test", "ringd.test"), ("second.test", "second.test"),
        ("a.b.apps.test", "ringd.test"), ("unknown.test", "ringd.test"), (None, "ringd.test"),
    ])
    def test_certificate_by_name(self, daemon, name, common):
        c = ssl._create_unverified_context()
        with socket.create_connection(("127.0.0.1", daemon.port), timeout=5) as raw, c.wrap_socket(raw, server_hostname=name) as s:
            pem = ssl.DER_cert_to_PEM_cert(s.getpeercert(True))
        done = subprocess.run(["openssl", "x509", "-noout", "-subject"], input=pem, capture_output=True, text=True, timeout=10, check=True)
        assert f"CN = {common}" in done.stdout

    def test_names_are_verified_by_a_strict_client(self, ca, daemon):
        for name in ("ringd.test", "two.apps.test", "second.test"):
            connect(ca, daemon.port, name).close()
        with pytest.raises(ssl.SSLCertVerificationError):
            connect(ca, daemon.port, "unknown.test")


def session_of(ca, port, ctx):
    with connect(ca, port, ctx=ctx) as s:
        s.sendall(get(b"/x", b"Host: x"))
        s.recv(65536)
        return s.session


class TestTickets:
    @pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
    def test_resumed_at_any_worker_and_after_a_reload(self, ca, new_daemon, own, version):
        port = ringd.free_port()
        d = new_daemon(listen=listen(port), tls={"certificates": certificates(own), "min_version": "1.2"}, workers=2).start()
        ctx = context(ca, version, version)
        session = session_of(ca, port, ctx)

        def resume():
            with connect(ca, port, ctx=ctx, session=session) as s:
                s.sendall(get(b"/x", b"Host: x"))
                assert s.recv(65536).startswith(b"HTTP/1.1 404")
                return s.session_reused

        def both_have_resumed():
            # Sessions are kept open together, so that both workers get some.
            with concurrent.futures.ThreadPoolExecutor(8) as pool:
                assert all(pool.map(lambda _: resume(), range(16)))
            return all(c["handshakes_resumed"] > 0 for c in d.status()["children"] if c["role"] == "worker")
        wait_for("both workers to resume", both_have_resumed, 20)
        d.kill(1)
        wait_for("the next generation", lambda: d.status()["generation"] == 2, 20)
        assert resume()
        assert d.stop() == 0

    def test_keys_are_gone_after_two_periods(self, ca, new_daemon, own):
        port = ringd.free_port()
        d = new_daemon(listen=listen(port), tls={"certificates": certificates(own), "min_version": "1.2", "ticket_lifetime": "1s"},
                       log={"level": "debug"}, workers=1).start()
        ctx = context(ca, ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_2)
        session = session_of(ca, port, ctx)
        changed = d.text().count("keys of session tickets have changed")
        wait_for("two changes of keys", lambda: d.text().count("keys of session tickets have changed") >= changed + 2, 10)
        with connect(ca, port, ctx=ctx, session=session) as s:
            assert not s.session_reused
        assert d.stop() == 0

    def test_the_master_changes_them(self, ca, new_daemon, own):
        """A ticket begins with its key's name: the same at all workers, another in the next period."""
        port = ringd.free_port()
        d = new_daemon(listen=listen(port), tls={"certificates": certificates(own), "min_version": "1.2", "ticket_lifetime": "5s"}, workers=2).start()

        def name():
            done = subprocess.run(["openssl", "s_client", "-connect", f"127.0.0.1:{port}", "-tls1_2"], stdin=subprocess.DEVNULL,
                                  capture_output=True, text=True, timeout=20, check=False)
            return re.search(r"TLS session ticket:\n +0000 - ([0-9a-f -]{47})", done.stdout)[1]
        first = name()
        wait_for("another key", lambda: name() != first, 20)
        wait_for("six tickets of one key", lambda: len({name() for _ in range(6)}) == 1, 30)
        assert d.stop() == 0

    def test_none_when_switched_off(self, ca, new_daemon, own):
        port = ringd.free_port()
        d = new_daemon(listen=listen(port), tls={"certificates": certificates(own), "min_version": "1.2", "tickets": "false"}).start()
        for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
            session = session_of(ca, port, context(ca, version, version))
            assert session is None or not session.has_ticket
        assert d.stop() == 0


class TestHandshakes:
    def test_slow_is_cut_off(self, daemon):
        failed = total(daemon, "handshakes_failed")
        began = time.monotonic()
        with socket.create_connection(("127.0.0.1", daemon.port), timeout=8) as s:
            s.sendall(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03")
            try:
                for _ in range(100):
                    s.sendall(b"a")
                    time.sleep(0.05)
                raise AssertionError("still served after five seconds")
            except OSError:
                pass
        assert time.monotonic() - began < 4
        wait_for("it to be counted", lambda: total(daemon, "handshakes_failed") > failed, 5)

    def test_silent_is_cut_off(self, daemon):
        with socket.create_connection(("127.0.0.1", daemon.port), timeout=8) as s:
            assert s.recv(100) == b""

    def test_plain_http_gets_a_clear_answer(self, daemon):
        for line in (b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", b"POST /webhooks/dialpad HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n" + b"x" * 50000,
                     b"SSH-2.0-OpenSSH_9.2\r\n"):
            got = ringd.raw(daemon.port, line)
            assert got.startswith(b"HTTP/1.1 400 Bad Request\r\n") and b"Content-Type: text/plain" in got and b"https://" in got, got
            head, body = got.split(b"\r\n\r\n", 1)
            assert int(re.search(rb"Content-Length: (\d+)", head)[1]) == len(body)

    @pytest.mark.parametrize("junk", [b"\x80\x2e\x01\x03\x01" + b"a" * 44, b"\x16\x03\x01\xff\xff" + b"a" * 70000, b"\0" * 100,
                                      b"\x15\x03\x01\x00\x02\x02\x28", b"\x17\x03\x03\x40\x00" + b"b" * 16384])
    def test_junk_disturbs_nobody(self, ca, daemon, junk):
        ringd.raw(daemon.port, junk, 5)
        assert https(ca, daemon.port, "GET", "/x").status == 404

    def test_clients_that_vanish_in_the_middle(self, ca, daemon):
        """Of each ClientHello a different part arrives, then the client is gone, politely or not."""
        hello = Hand(ca).hello()
        for n in range(1, len(hello) + 1, 7):
            s = socket.create_connection(("127.0.0.1", daemon.port), timeout=5)
            s.sendall(hello[:n])
            if n % 2:
                s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            s.close()
        assert https(ca, daemon.port, "GET", "/x").status == 404
        wait_for("nothing of them to be left", lambda: sum(c["connections"] for c in daemon.status()["children"]) == 0, 10)

    def test_failures_are_told_but_do_not_fill_the_log(self, daemon):
        before = daemon.text().count("TLS handshake failed")
        failed = total(daemon, "handshakes_failed")
        for _ in range(60):
            ringd.raw(daemon.port, b"\x16\x03\x01\x00\x05hello", 5)
        wait_for("them to be counted", lambda: total(daemon, "handshakes_failed") >= failed + 60, 5)
        assert daemon.text().count("TLS handshake failed") - before <= 4
        assert re.search(r"TLS handshake failed reason=.+ client=127\.0\.0\.1 failed_since_last_line=\d+", daemon.text())


def proxy_v2(ip, tail=b""):
    return b"\r\n\r\n\0\r\nQUIT\n\x21\x11" + (12 + len(tail)).to_bytes(2, "big") + bytes(map(int, ip.split("."))) + bytes([192, 0, 2, 1]) + \
        b"\x15\xb3\x00\x50" + tail


class TestProxyProtocol:
    def seen_client(self, d, rid):
        line = wait_for(f"the log line of {rid}", lambda: [x for x in d.text().splitlines() if x.endswith(f"id={rid}")], 5)[0]
        return line.split("client=")[1].split()[0]

    @pytest.mark.parametrize("pieces", [1, 2, 5])
    def test_header_before_the_handshake(self, ca, daemon, pieces):
        """The header and the ClientHello in one segment, and the header in pieces."""
        header, rid = proxy_v2("203.0.113.7", b"\x04\x00\x03abc"), f"pp-tls-{pieces}"
        client = Hand(ca)
        with socket.create_connection(("127.0.0.1", daemon.behind), timeout=5) as s:
            s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            step = len(header) // pieces + 1
            parts = [header[i:i + step] for i in range(0, len(header), step)]
            for part in parts[:-1]:
                s.sendall(part)
                time.sleep(0.05)
            client.shake(s, parts[-1])
            client.tls.write(get(b"/x", b"Host: x", b"X-Request-Id: " + rid.encode(), b"Connection: close"))
            s.sendall(client.out.read())
            assert client.read(s).startswith(b"HTTP/1.1 404")
        assert self.seen_client(daemon, rid) == "203.0.113.7"

    def test_header_is_required(self, ca, daemon):
        with pytest.raises((ssl.SSLError, OSError)):
            connect(ca, daemon.behind)
        assert ringd.raw(daemon.behind, b"GET / HTTP/1.1\r\nHost: x\r\n\r\n") == b""


class TestRedirect:
    @pytest.mark.parametrize("method,target,host,want", [
        ("GET", "/", "ringd.test", "https://ringd.test:{port}/"),
        ("GET", "/api/calls?limit=3&phone_number=%2B1555", "ringd.test:80", "https://ringd.test:{port}/api/calls?limit=3&phone_number=%2B1555"),
        ("POST", "/webhooks/dialpad/abc", "second.test:8080", "https://second.test:{port}/webhooks/dialpad/abc"),
        ("HEAD", "/a?", "[::1]:80", "https://[::1]:{port}/a?"), ("DELETE", "/a%20b", "[2001:db8::1]", "https://[2001:db8::1]:{port}/a%20b"),
    ])
    def test_everything_goes_to_https(self, daemon, method, target, host, want):
        answer = ringd.request(daemon.plain, method, target, {"Host": host}, b"body" if method == "POST" else None)
        assert answer.status == 308 and answer.headers["location"] == want.format(port=daemon.port) and answer.body == b""

    def test_nothing_is_served(self, daemon, acme):
        assert ringd.request(daemon.plain, "GET", "/api/calls", {"x-app-api-key": acme.key}).status == 308

    def test_without_a_name_there_is_nowhere_to_go(self, daemon):
        assert statuses(ringd.raw(daemon.plain, b"GET / HTTP/1.0\r\n\r\n")) == [400]
        assert statuses(ringd.raw(daemon.plain, get(b"/" + b"a" * 9000, b"Host: x"))) == [414]

    def test_a_body_is_not_read(self, daemon):
        got = ringd.raw(daemon.plain, b"POST /x HTTP/1.1\r\nHost: x\r\nContent-Length: 5000000\r\n\r\n" + b"x" * 100000)
        assert statuses(got) == [308] and b"connection: close" in got.lower()


class TestHttpInside:
    @pytest.mark.parametrize("name", REFUSED)
    def test_refused_and_closed(self, ca, daemon, name):
        got = statuses(raw_tls(ca, daemon.port, REFUSED[name] + SMUGGLED, 5))
        assert len(got) == 1 and (400 <= got[0] < 500 or got[0] in (501, 505)) and got != [404], got

    @pytest.mark.parametrize("name", BAD_CHUNKS)
    def test_bad_chunks(self, ca, daemon, name):
        got = statuses(raw_tls(ca, daemon.port, CHUNKED + BAD_CHUNKS[name] + SMUGGLED, 5))
        assert len(got) == 1 and got[0] in (400, 413), got

    def test_a_record_for_every_byte_is_the_same(self, ca, daemon):
        data = get(b"/nowhere", b"Host: x", b"Connection: close")
        assert statuses(raw_tls(ca, daemon.port, [data[i:i + 1] for i in range(len(data))])) == [404]

    def test_many_records_in_one_segment(self, ca, daemon):
        """Records the library has read, and the descriptor will never tell of again."""
        client = Hand(ca)
        with socket.create_connection(("127.0.0.1", daemon.port), timeout=5) as s:
            client.shake(s)
            for n in range(40):     # with the Finished: after the handshake bytes are there already
                client.tls.write(get(b"/x", b"Host: x", *([b"Connection: close"] if n == 39 else [])))
            s.sendall(client.out.read())
            got = b""
            while part := client.read(s):
                got += part
        assert statuses(got) == [404] * 40

    def test_pipelining_while_the_first_waits_for_the_database(self, ca, daemon, acme):
        key = b"x-app-api-key: " + acme.key.encode()
        got = raw_tls(ca, daemon.port, get(b"/api/calls", b"Host: x", key) * 30 + get(b"/api/calls", b"Host: x", key, b"Connection: close"))
        assert statuses(got) == [200] * 31

    def test_a_big_body(self, ca, daemon, acme):
        body = jwt(call_event(880001, note="x" * 700000), acme.secret)
        assert 900000 < len(body) < 1048576
        assert https(ca, daemon.port, "POST", acme.path, body=body).status == 200

    def test_expect_continue(self, ca, daemon, acme):
        body = jwt(call_event(880002), acme.secret).encode()
        with connect(ca, daemon.port) as s:
            s.sendall(f"POST {acme.path} HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\nExpect: 100-continue\r\nConnection: close\r\n\r\n".encode())
            assert s.recv(100).startswith(b"HTTP/1.1 100 Continue\r\n\r\n")
            s.sendall(body)
            assert s.recv(65536).startswith(b"HTTP/1.1 200")

    def test_a_slow_reader_of_ten_megabytes(self, ca, daemon, acme, db):
        drained(db)
        with db.cursor() as c:
            c.execute("""INSERT INTO calls (app_id, id, provider, provider_call_id, dialpad_call_id, direction, from_number, to_number, status,
                             outcome, started_at, ended_at, talk_time_ms, agent_id, agent_name, agent_email)
                         SELECT %s, gen_random_uuid(), 'dialpad', i::text, 5031100220000000 + i, 'inbound', '+1555014' || i %% 9999, '+15550100101',
                             'ended', 'answered', now() - i * interval '1 minute', now(), 60000, '56001', repeat('Dana ', 30), 'dana@example.com'
                         FROM generate_series(1, 200) i""", (acme.id,))
        page = get(b"/api/calls?limit=200", b"Host: x", b"x-app-api-key: " + acme.key.encode())
        count = 100
        with socket.socket() as plain:
            plain.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 16384)
            plain.settimeout(20)
            plain.connect(("127.0.0.1", daemon.port))
            with context(ca).wrap_socket(plain, server_hostname="ringd.test") as s:
                s.sendall(page * count)
                got, pause = b"", 0
                while got.count(b"HTTP/1.1 200 OK\r\n") < count or len(got) < 1000:
                    got += s.recv(16384)
                    pause += 1
                    if pause % 20 == 0:
                        time.sleep(0.005)
                s.sendall(get(b"/x", b"Host: x", b"Connection: close"))
                got += read_all(s)
        assert statuses(got) == [200] * count + [404]
        assert len(got) > 8 << 20, len(got)
        bodies = {part.split(b"\r\n\r\n", 1)[1] for part in got.split(b"HTTP/1.1 200 OK\r\n")[1:count]}
        assert len(bodies) == 1

    def test_half_closed_clients_are_answered(self, ca, daemon, acme):
        """Once with close_notify, once without: HTTP says where a request ends."""
        ask = get(b"/api/calls?limit=1", b"Host: x", b"x-app-api-key: " + acme.key.encode())
        with connect(ca, daemon.port) as s:
            s.sendall(ask)
            socket.socket.shutdown(s, socket.SHUT_WR)
            assert statuses(read_all(s)) == [200]
        client = Hand(ca)
        with socket.create_connection(("127.0.0.1", daemon.port), timeout=5) as s:
            client.shake(s)
            client.tls.write(ask)
            with pytest.raises(ssl.SSLWantReadError):
                client.tls.unwrap()
            s.sendall(client.out.read())
            s.shutdown(socket.SHUT_WR)
            while more := s.recv(65536):
                client.ins.write(more)
            assert client.ins.pending > 500, "no answer came after close_notify"

    def test_close_notify_ends_an_answer(self, ca, daemon):
        """A client that insists on a proper end gets one."""
        with strict(ca, daemon.port) as s:
            s.sendall(get(b"/x", b"Host: x", b"Connection: close"))
            got = b""
            while part := s.recv(65536):
                got += part
        assert statuses(got) == [404]

    def test_key_updates(self, daemon):
        """Both kinds of TLS 1.3 key update in the middle of requests."""
        before = total(daemon, "handshakes")
        p = subprocess.Popen(["openssl", "s_client", "-connect", f"127.0.0.1:{daemon.port}", "-servername", "ringd.test"],
                             stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        wait_for("the handshake", lambda: total(daemon, "handshakes") > before, 10, 0.05)
        for line in (b"K\n", b"k\n", b"K\n", b"GET /x HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"):
            # It takes a line for a command only when it is alone in what it reads.
            wait_for("the line before to be taken", lambda: fcntl.ioctl(p.stdin, termios.FIONREAD, bytes(4)) == bytes(4), 10, 0.05)
            p.stdin.write(line)
            p.stdin.flush()
        out = b""
        while part := p.stdout.read1(65536):     # its input stays open until the server has ended the connection
            out += part
        p.stdin.close()
        p.wait(10)
        assert out.count(b"KEYUPDATE") == 3 and b"HTTP/1.1 404" in out, out[-1500:]

    def test_https_reaches_handlers(self, ca, daemon, acme):
        answer = https(ca, daemon.port, "GET", "/api/calls/active", {"x-app-api-key": acme.key})
        assert answer.status == 200 and answer.json["success"]


@pytest.mark.skipif(not shutil.which("testssl"), reason="needs testssl.sh")
@pytest.mark.parametrize("version", ["1.3", "1.2"])
def test_testssl_finds_nothing_above_low(new_daemon, ca, own, tmp_path, version):
    """Everything it knows but its list of other people's clients."""
    port, report = ringd.free_port(), tmp_path / "report.csv"
    d = new_daemon(listen=listen(port), tls={"certificates": certificates(own), "min_version": version}).start()
    subprocess.run(["testssl", "--quiet", "--color", "0", "--warnings", "off", "--add-ca", str(ca.ca_file), "--csvfile", str(report),
                    "-p", "-s", "-f", "-S", "-P", "-h", "-U", "--ip", "127.0.0.1", f"ringd.test:{port}"],
                   stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, timeout=900, check=False)
    text = report.read_text()
    bad = [line for line in text.splitlines() if re.search(r'"(MEDIUM|HIGH|CRITICAL|FATAL)"', line)]
    assert text.count("\n") > 60 and '"TLS1_3"' in text and "HSTS" in text and not bad, (bad, text)
    assert d.stop() == 0
