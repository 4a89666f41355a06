"""HTTP on raw sockets against the daemon: framing that must be refused, what must work, times, proxies."""
import os
import re
import signal
import socket
import subprocess
import time

import pytest

import ringd
from ringd import call_event, jwt, raw, wait_for

HOST = b"Host: x\r\n"


def get(path=b"/api/calls", *lines, version=b"1.1"):
    return b"GET " + path + b" HTTP/" + version + b"\r\n" + b"".join(line + b"\r\n" for line in lines) + b"\r\n"


def statuses(data):
    """Status codes of all answers in the stream, by their framing."""
    out = []
    while data:
        head, _, rest = data.partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 "), data[:200]
        out.append(int(head[9:12]))
        length = 0
        for line in head.split(b"\r\n")[1:]:
            if line.lower().startswith(b"content-length:"):
                length = int(line.split(b":")[1])
        data = rest if out[-1] == 100 else rest[length:]
    return out


SMUGGLED = get(b"/smuggled", b"Host: x")

REFUSED = {
    "both lengths": b"POST /webhooks/dialpad HTTP/1.1\r\n" + HOST + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "length twice": b"POST /x HTTP/1.1\r\n" + HOST + b"Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello",
    "length list": b"POST /x HTTP/1.1\r\n" + HOST + b"Content-Length: 5, 5\r\n\r\nhello",
    "length plus": b"POST /x HTTP/1.1\r\n" + HOST + b"Content-Length: +5\r\n\r\nhello",
    "length minus": b"POST /x HTTP/1.1\r\n" + HOST + b"Content-Length: -1\r\n\r\n",
    "length hex": b"POST /x HTTP/1.1\r\n" + HOST + b"Content-Length: 0x5\r\n\r\nhello",
    "length empty": b"POST /x HTTP/1.1\r\n" + HOST + b"Content-Length: \r\n\r\n",
    "length huge": b"POST /x HTTP/1.1\r\n" + HOST + b"Content-Length: 99999999999999999999999\r\n\r\n",
    "space before colon": b"GET / HTTP/1.1\r\nHost : x\r\n\r\n",
    "length space colon": b"POST / HTTP/1.1\r\n" + HOST + b"Content-Length : 0\r\n\r\n",
    "obs-fold": b"GET / HTTP/1.1\r\n" + HOST + b"A: b\r\n c\r\n\r\n",
    "bare lf": b"GET / HTTP/1.1\nHost: x\n\n",
    "bare lf in a header": b"GET / HTTP/1.1\r\nHost: x\nA: b\r\n\r\n",
    "bare cr": b"GET / HTTP/1.1\r\nHost: x\rA: b\r\n\r\n",
    "cr at the end": b"GET / HTTP/1.1\r\nHost: x\r\n\rX",
    "nul in a value": b"GET / HTTP/1.1\r\nHost: x\r\nA: b\0c\r\n\r\n",
    "nul in the path": b"GET /\0 HTTP/1.1\r\nHost: x\r\n\r\n",
    "no host": b"GET / HTTP/1.1\r\n\r\n",
    "two hosts": b"GET / HTTP/1.1\r\nHost: x\r\nHost: x\r\n\r\n",
    "empty host": b"GET / HTTP/1.1\r\nHost: \r\n\r\n",
    "bad host": b"GET / HTTP/1.1\r\nHost: a b\r\n\r\n",
    "host with user": b"GET / HTTP/1.1\r\nHost: a@b\r\n\r\n",
    "te twice": b"POST / HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "te list": b"POST / HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
    "te identity": b"POST / HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: identity\r\n\r\n",
    "te xchunked": b"POST / HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
    "te in 1.0": b"POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "te tab": b"POST / HTTP/1.1\r\n" + HOST + b"Transfer-Encoding:\x0bchunked\r\n\r\n0\r\n\r\n",
    "name with space": b"GET / HTTP/1.1\r\n" + HOST + b"A B: c\r\n\r\n",
    "empty name": b"GET / HTTP/1.1\r\n" + HOST + b": c\r\n\r\n",
    "no colon": b"GET / HTTP/1.1\r\n" + HOST + b"abc\r\n\r\n",
    "leading space": b"GET / HTTP/1.1\r\n Host: x\r\n\r\n",
    "version 1.2": b"GET / HTTP/1.2\r\nHost: x\r\n\r\n",
    "version 2.0": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "version junk": b"GET / HTTPx1.1\r\nHost: x\r\n\r\n",
    "no version": b"GET /\r\n\r\n",
    "two spaces": b"GET  / HTTP/1.1\r\nHost: x\r\n\r\n",
    "tab": b"GET\t/ HTTP/1.1\r\nHost: x\r\n\r\n",
    "not a path": b"GET x HTTP/1.1\r\nHost: x\r\n\r\n",
    "absolute with other host": b"GET http://y/ HTTP/1.1\r\nHost: x\r\n\r\n",
    "connect": b"CONNECT x:80 HTTP/1.1\r\nHost: x:80\r\n\r\n",
    "high byte in the path": b"GET /\xff HTTP/1.1\r\nHost: x\r\n\r\n",
    "tls": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"a" * 40 + b"\r\n\r\n",
}

CHUNKED = b"POST /webhooks/dialpad HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\n"
BAD_CHUNKS = {
    "size junk": b"2 x\r\nab\r\n0\r\n\r\n", "size sign": b"+2\r\nab\r\n0\r\n\r\n", "size 0x": b"0x2\r\nab\r\n0\r\n\r\n",
    "size empty": b"\r\nab\r\n0\r\n\r\n", "size huge": b"fffffffffffffffff\r\n", "size lf": b"2\nab\r\n0\r\n\r\n",
    "no crlf after data": b"2\r\nabcd0\r\n\r\n", "other bytes after data": b"2\r\nabXX0\r\n\r\n", "lf after data": b"2\r\nab\n0\r\n\r\n",
    "ext with lf": b"2;a\nb\r\nab\r\n0\r\n\r\n", "ext with nul": b"2;a\0\r\nab\r\n0\r\n\r\n", "ext overlong": b"2;" + b"a" * 5000 + b"\r\nab\r\n0\r\n\r\n",
    "trailer folded": b"0\r\nA: b\r\n c\r\n\r\n", "trailer no colon": b"0\r\nabc\r\n\r\n", "size tab": b"2\t\r\nab\r\n0\r\n\r\n",
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused_and_closed(daemon, name):
    """One refusal, then the end: nothing behind it is ever looked at."""
    got = statuses(raw(daemon.port, REFUSED[name] + SMUGGLED, 5))
    assert len(got) == 1 and (400 <= got[0] < 500 or got[0] in (501, 505)), got
    assert got != [404], "the second request was answered"


@pytest.mark.parametrize("name", BAD_CHUNKS)
def test_bad_chunks(daemon, name):
    got = statuses(raw(daemon.port, CHUNKED + BAD_CHUNKS[name] + SMUGGLED, 5))
    assert len(got) == 1 and got[0] in (400, 413), got


def test_byte_by_byte_is_the_same(daemon):
    for data, want in ((get(b"/nowhere", b"Host: x", b"Connection: close"), [404]), (REFUSED["obs-fold"], [400])):
        assert statuses(raw(daemon.port, [data[i:i + 1] for i in range(len(data))])) == want


def test_pipelining_in_order(daemon):
    got = raw(daemon.port, get(b"/a", b"Host: x", b"X-Request-Id: one") + get(b"/api/calls", b"Host: x", b"X-Request-Id: two") +
              get(b"/health/live", b"Host: x", b"X-Request-Id: three", b"Connection: close"))
    assert statuses(got) == [404, 401, 404]
    assert got.index(b"one") < got.index(b"two") < got.index(b"three")


def test_a_pipeline_is_answered_to_its_end_after_a_half_close(daemon):
    with socket.create_connection(("127.0.0.1", daemon.port), timeout=20) as s:
        s.sendall(b"".join(get(b"/x", b"Host: x", b"X-Request-Id: half%d" % n) for n in range(3000)))
        s.shutdown(socket.SHUT_WR)
        data = b""
        while chunk := s.recv(65536):
            data += chunk
    assert data.count(b"HTTP/1.1 404 ") == 3000
    assert [int(x) for x in re.findall(rb"\r\nX-Request-Id: half(\d+)\r\n", data)] == list(range(3000))


def test_a_long_pipeline_lets_others_pass(new_daemon):
    """A few that sent hundreds of requests in one piece, and some that sent one, all there at the same moment: no one waits for hundreds."""
    d = new_daemon(workers=1).start()
    worker = d.pids("worker")[0]
    many = [socket.create_connection(("127.0.0.1", d.port), timeout=20) for _ in range(12)]
    for s in many:
        s.sendall(get(b"/x", b"Host: x"))
        assert s.recv(65536).startswith(b"HTTP/1.1 404")
    os.kill(worker, signal.SIGSTOP)
    wait_for("it to stand still", lambda: subprocess.run(["ps", "-o", "state=", "-p", str(worker)], capture_output=True, text=True,
                                                         check=True).stdout.startswith("T"), 5)
    for n, s in enumerate(many):
        s.sendall(get(b"/short", b"Host: x") if n % 3 else b"".join(get(b"/long", b"Host: x") for _ in range(200)))
    os.kill(worker, signal.SIGCONT)
    wait_for("all answers", lambda: d.text().count("GET /long ") == 800 and d.text().count("GET /short ") == 8, 20)
    assert d.text().rsplit("GET /short ", 1)[0].count("GET /long ") < 80
    for s in many:
        s.close()
    assert d.stop() == 0


def test_keep_alive_and_close(daemon):
    with socket.create_connection(("127.0.0.1", daemon.port), timeout=5) as s:
        for _ in range(5):
            s.sendall(get(b"/x", b"Host: x"))
            assert s.recv(65536).startswith(b"HTTP/1.1 404")
        s.sendall(get(b"/x", b"Host: x", b"Connection: foo, Close"))
        data = b""
        while chunk := s.recv(65536):
            data += chunk
        assert b"connection: close" in data.lower()


def test_http_1_0(daemon):
    assert statuses(raw(daemon.port, get(b"/x", version=b"1.0"))) == [404]
    got = raw(daemon.port, get(b"/x", b"Connection: keep-alive", version=b"1.0") + get(b"/x", version=b"1.0"))
    assert statuses(got) == [404, 404]


def test_expect_continue(daemon, acme):
    body = jwt(call_event(990001), acme.secret).encode()
    head = (f"POST {acme.path} HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\nExpect: 100-continue\r\nConnection: close\r\n\r\n")
    with socket.create_connection(("127.0.0.1", daemon.port), timeout=5) as s:
        s.sendall(head.encode())
        assert s.recv(100).startswith(b"HTTP/1.1 100 Continue\r\n\r\n")
        s.sendall(body)
        assert s.recv(65536).startswith(b"HTTP/1.1 200")
    assert statuses(raw(daemon.port, get(b"/x", b"Host: x", b"Expect: something"))) == [417]
    # Not asked to go on when the answer is known already.
    got = raw(daemon.port, b"POST /nowhere HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n")
    assert statuses(got) == [404]


def test_chunked_delivery_with_extensions_and_trailers(daemon, acme):
    body = jwt(call_event(990002), acme.secret).encode()
    parts = b"".join(b"%x;name=\"v\"\r\n%s\r\n" % (len(body[i:i + 7]), body[i:i + 7]) for i in range(0, len(body), 7))
    data = (f"POST {acme.path} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n").encode() + parts + \
        b"000\r\nX-Trailer: t\r\n\r\n"
    assert statuses(raw(daemon.port, data)) == [200]


def test_limits_have_their_own_codes(daemon):
    assert statuses(raw(daemon.port, get(b"/" + b"a" * 9000, b"Host: x"))) == [414]
    assert statuses(raw(daemon.port, get(b"/", b"Host: x", b"A: " + b"b" * 20000))) == [431]
    assert statuses(raw(daemon.port, get(b"/", b"Host: x", *[b"A%d: b" % i for i in range(150)]))) == [431]
    big = b"POST /webhooks/dialpad HTTP/1.1\r\nHost: x\r\nContent-Length: 1048577\r\n\r\n"
    assert statuses(raw(daemon.port, big)) == [413]
    assert statuses(raw(daemon.port, b"POST /webhooks/dialpad HTTP/1.1\r\nHost: x\r\n\r\n", 3))[0] == 411
    got = raw(daemon.port, b"BREW /api/calls HTTP/1.1\r\nHost: x\r\n\r\n")
    assert statuses(got)[0] in (405, 501)


def test_413_is_readable_even_while_the_body_is_being_sent(daemon):
    with socket.create_connection(("127.0.0.1", daemon.port), timeout=5) as s:
        s.sendall(b"POST /webhooks/dialpad HTTP/1.1\r\nHost: x\r\nContent-Length: 3000000\r\n\r\n")
        try:
            s.sendall(b"x" * 60000)
        except OSError:
            pass
        assert s.recv(65536).startswith(b"HTTP/1.1 413")


def test_half_closed_client_is_answered(daemon):
    with socket.create_connection(("127.0.0.1", daemon.port), timeout=5) as s:
        s.sendall(get(b"/x", b"Host: x"))
        s.shutdown(socket.SHUT_WR)
        data = b""
        while chunk := s.recv(65536):
            data += chunk
        assert statuses(data) == [404]


def test_clients_that_vanish_disturb_nobody(daemon, db, acme):
    """Half of the requests are dropped right after sending; the others all get their own answers."""
    ok = 0
    for n in range(120):
        s = socket.create_connection(("127.0.0.1", daemon.port), timeout=5)
        s.sendall(get(b"/api/calls?limit=3", b"Host: x", b"x-app-api-key: " + acme.key.encode(), b"X-Request-Id: r%d" % n))
        if n % 2:
            s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            s.close()
            continue
        data = s.recv(65536)
        assert data.startswith(b"HTTP/1.1 200") and b"r%d\r\n" % n in data
        ok += 1
        s.close()
    assert ok == 60


class TestTimesAndProxies:
    @pytest.fixture(scope="class")
    def d(self, new_daemon, pg):
        plain, behind = ringd.free_port(), ringd.free_port()
        d = new_daemon(listen=f"\n  - address: 127.0.0.1:{plain}\n  - address: 127.0.0.1:{behind}\n    proxy_protocol: true",
                       proxy={"trusted": "[127.0.0.1]"}, log={"access": "true"},
                       http={"header_timeout": "1s", "body_timeout": "1s", "idle_timeout": "1s", "connections": "20"})
        d.port, d.behind = plain, behind
        d.start()
        yield d
        assert d.stop() == 0

    def test_slow_head_gets_408(self, d):
        began = time.monotonic()
        with socket.create_connection(("127.0.0.1", d.port), timeout=6) as s:
            s.sendall(b"GET / HTTP/1.1\r\nHo")
            assert s.recv(65536).startswith(b"HTTP/1.1 408")
        assert 0.8 < time.monotonic() - began < 4

    def test_trickled_head_does_not_buy_time(self, d):
        began = time.monotonic()
        with socket.create_connection(("127.0.0.1", d.port), timeout=6) as s:
            try:
                for b in b"GET / HTTP/1.1\r\nHost: x\r\n" + b"A: b\r\n" * 100:
                    s.sendall(bytes([b]))
                    time.sleep(0.05)
            except OSError:
                pass
        assert time.monotonic() - began < 5

    def test_slow_body_gets_408(self, d):
        with socket.create_connection(("127.0.0.1", d.port), timeout=6) as s:
            s.sendall(b"POST /webhooks/dialpad HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nabc")
            assert s.recv(65536).startswith(b"HTTP/1.1 408")

    def test_idle_connection_is_closed_silently(self, d):
        with socket.create_connection(("127.0.0.1", d.port), timeout=6) as s:
            s.sendall(get(b"/x", b"Host: x"))
            assert s.recv(65536).startswith(b"HTTP/1.1 404")
            assert s.recv(100) == b""

    def test_connection_limit_queues_and_recovers(self, d):
        held = [socket.create_connection(("127.0.0.1", d.port), timeout=5) for _ in range(60)]
        time.sleep(0.2)
        for s in held:
            s.close()
        wait_for("service again", lambda: statuses(raw(d.port, get(b"/x", b"Host: x", b"Connection: close"), 3)) == [404], 10)

    def seen_client(self, d, rid):
        line = wait_for(f"the log line of {rid}", lambda: [x for x in d.text().splitlines() if x.endswith(f"request_id={rid}")], 5)[0]
        return line.split("client=")[1].split()[0]

    @pytest.mark.parametrize("value,client", [
        ("203.0.113.9", "203.0.113.9"), ("198.51.100.1, 203.0.113.9", "203.0.113.9"), ("203.0.113.9, 127.0.0.1", "203.0.113.9"),
        ("junk", "127.0.0.1"), ("2001:db8::7", "2001:db8::7"),
    ])
    def test_forwarded_for(self, d, value, client):
        rid = "ff" + str(abs(hash(value)))
        ringd.request(d.port, "GET", "/x", {"X-Forwarded-For": value, "X-Request-Id": rid})
        assert self.seen_client(d, rid) == client

    def test_proxy_protocol_v1(self, d):
        got = raw(d.behind, b"PROXY TCP4 203.0.113.5 192.0.2.1 5555 80\r\n" + get(b"/x", b"Host: x", b"X-Request-Id: pp1", b"Connection: close"))
        assert statuses(got) == [404] and self.seen_client(d, "pp1") == "203.0.113.5"

    def test_proxy_protocol_v2(self, d):
        head = b"\r\n\r\n\0\r\nQUIT\n" + b"\x21\x11\x00\x0c" + bytes([203, 0, 113, 6, 192, 0, 2, 1]) + b"\x15\xb3\x00\x50"
        got = raw(d.behind, head + get(b"/x", b"Host: x", b"X-Request-Id: pp2", b"Connection: close"))
        assert statuses(got) == [404] and self.seen_client(d, "pp2") == "203.0.113.6"

    def test_proxy_protocol_is_required_and_only_where_asked_for(self, d):
        assert raw(d.behind, get(b"/x", b"Host: x")) == b""
        assert statuses(raw(d.port, b"PROXY TCP4 203.0.113.5 192.0.2.1 5555 80\r\n" + get(b"/x", b"Host: x"))) == [400]


def test_bodies_under_way_have_a_total(new_daemon):
    """With room for two, the third unfinished body is 503 and a small one still goes through when there is room again."""
    d = new_daemon(workers=1, http={"body_memory": "2M"}).start()
    head = b"POST /webhooks/dialpad HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\nx"
    held = []
    for _ in range(2):
        s = socket.create_connection(("127.0.0.1", d.port), timeout=5)
        s.sendall(head)
        held.append(s)
    time.sleep(0.3)
    assert statuses(raw(d.port, head, 3)) == [503]
    for s in held:
        s.close()
    wait_for("room again", lambda: statuses(raw(d.port, head.replace(b"1000000", b"5") + b"xxxx", 3))[0] == 400, 5)
    assert d.stop() == 0


def test_forwarded_headers_of_strangers_are_ignored(new_daemon):
    d = new_daemon(log={"access": "true"}).start()
    ringd.request(d.port, "GET", "/x", {"X-Forwarded-For": "203.0.113.9", "X-Request-Id": "stranger"})
    line = wait_for("the log line", lambda: [x for x in d.text().splitlines() if x.endswith("request_id=stranger")], 5)[0]
    assert "client=127.0.0.1" in line
    assert d.stop() == 0


def test_log_lines_cannot_be_forged(daemon):
    raw(daemon.port, get(b"/a%0aforged", b"Host: x", b"X-Request-Id: ok", b"Connection: close"))
    raw(daemon.port, get(b"/x", b"Host: x", b"X-Request-Id: a\tb error forged", b"Connection: close"))
    assert not [line for line in daemon.text().splitlines() if line.startswith("forged")]
