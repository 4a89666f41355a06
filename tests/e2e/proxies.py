"""The real nginx and haproxy in front of a daemon, run on the examples of etc/proxy/ with nothing but addresses, paths and users replaced."""
import os
import re
import select
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import threading
import time

import ringd
from ringd import TOP, free_port, wait_for

NAME = "cti.example.com"
PATH = os.environ.get("PATH", "") + ":/usr/sbin:/usr/local/sbin"
PROGRAMS = {p: shutil.which(p, path=PATH) for p in ("nginx", "haproxy")}
MISSING = [p for p, where in PROGRAMS.items() if not where]


def has_ipv6():
    try:
        with socket.socket(socket.AF_INET6) as s:
            s.bind(("::1", 0))
        return True
    except OSError:
        return False


IPV6 = has_ipv6()
# Clients have an address that is not the proxy's own, or nobody could tell whose was handed on. Linux has all of 127/8.
CLIENT = "127.0.0.7" if sys.platform == "linux" else "127.0.0.1"


def certificate(base):
    """A key and a self-signed certificate for NAME, made once."""
    key, crt, both = base / "proxy.key", base / "proxy.crt", base / "proxy.pem"
    if not both.exists():
        subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", f"/CN={NAME}",
                        "-addext", f"subjectAltName=DNS:{NAME}", "-keyout", str(key), "-out", str(crt)],
                       check=True, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, timeout=60)
        both.write_bytes(crt.read_bytes() + key.read_bytes())
        both.chmod(0o600)
    return key, crt, both


def replaced(text, *pairs):
    """Each pattern must be there: an example that changed must not be tested by halves."""
    for pattern, new in pairs:
        text, n = re.subn(pattern, lambda _, new=new: new, text)
        assert n > 0, f"the example has no {pattern!r}"
    return text


def taken_in(text):
    """Commented-out lines without a space after the '#' become lines."""
    return re.sub(r"(?m)^#(?=[^ #\n])", "", text)


class Proxy:
    """One running proxy; kind is nginx or haproxy, variant http, v1 or v2 (what it speaks to ringd)."""

    def __init__(self, kind, base, daemon, variant="http", changes=()):
        self.kind, self.base, self.daemon, self.variant = kind, base, daemon, variant
        base.mkdir()
        base.chmod(0o755)
        self.port, self.plain = free_port(), free_port()
        self.log, self.config = base / "log", base / kind
        self.key, self.crt, self.pem = certificate(base.parent)
        text = self.nginx() if kind == "nginx" else self.haproxy()
        self.config.write_text(replaced(text, *changes), encoding="utf-8")
        self.context = ssl.create_default_context(cafile=str(self.crt))
        self.process = None

    def nginx(self):
        text = (TOP / "etc/proxy/nginx.conf").read_text(encoding="utf-8")
        start, variant = text.index("http {\n"), text.index("# Variant:")
        pairs = [(r"pid /run/nginx\.pid;", f"pid {self.base}/pid;"),
                 (r"error_log /var/log/nginx/error\.log warn;", f"error_log {self.base}/error warn;"),
                 (r"/etc/ssl/ringd/cti\.example\.com\.crt", str(self.crt)), (r"/etc/ssl/ringd/cti\.example\.com\.key", str(self.key)),
                 (r"127\.0\.0\.1:8080", f"127.0.0.1:{self.daemon.port}"),
                 (r"listen 443", f"listen 127.0.0.1:{self.port}"),
                 (r"\n\s*listen \[::\]:443 ssl;", f"\nlisten [::1]:{self.port} ssl;" if IPV6 else "\n")]
        if os.getuid() != 0:
            pairs.append((r"(?m)^user [^\n]*", ""))
        if self.variant == "http":
            own = "".join(f"{x}_temp_path {self.base}/{x};\n" for x in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
            text = text[:variant]
            pairs += [(r"http \{\n", "http {\n" + own), (r"/var/log/nginx/ringd\.log", str(self.log)),
                      (r"127\.0\.0\.1:8081", f"127.0.0.1:{self.daemon.admin}"),
                      (r"listen 80;", f"listen 127.0.0.1:{self.plain};"), (r"\n\s*listen \[::\]:80;", "\n")]
        else:
            assert self.variant == "v1", "nginx sends version 1 only"
            text = taken_in(text[:start] + text[variant:])
        return replaced(text, *pairs)

    def haproxy(self):
        text = (TOP / "etc/proxy/haproxy.cfg").read_text(encoding="utf-8")
        usual, variant = text.index("# ---- The usual one"), text.index("# ---- Variant:")
        pairs = [(r"log /dev/log local0", "log stdout format raw local0"), (r"maxconn 20000", "maxconn 1000"),
                 (r"/etc/ssl/ringd/cti\.example\.com\.pem", str(self.pem)),
                 (r"127\.0\.0\.1:8080 ", f"127.0.0.1:{self.daemon.port} "),
                 (r"bind :443", f"bind 127.0.0.1:{self.port}"),
                 (r"\n\s*bind \[::\]:443 v6only( [^\n]*)", f"\nbind [::1]:{self.port} ssl crt {self.pem} alpn http/1.1" if IPV6 else "\n")]
        if os.getuid() != 0:
            pairs.append((r"(?m)^\t(user|group) haproxy$", ""))
        if self.variant == "http":
            text = text[:variant]
            pairs += [(r"port 8081", f"port {self.daemon.admin}"), (r"bind :80\n", f"bind 127.0.0.1:{self.plain}\n"),
                      (r"\n\s*bind \[::\]:80 v6only", "\n")]
        else:
            text = taken_in(text[:usual] + text[variant:])
            if self.variant == "v1":
                pairs.append((r"ringd 127\.0\.0\.1:(\d+) send-proxy-v2", f"ringd 127.0.0.1:{self.daemon.port} send-proxy"))
        return replaced(text, *pairs)

    def command(self):
        if self.kind == "nginx":
            return [PROGRAMS["nginx"], "-p", str(self.base), "-c", str(self.config), "-g", "daemon off;"]
        return [PROGRAMS["haproxy"], "-db", "-f", str(self.config)]

    def start(self):
        out = open(self.log if self.kind == "haproxy" else self.base / "out", "ab")
        with out:
            self.process = subprocess.Popen(self.command(), stdout=out, stderr=open(self.base / "err", "ab"), cwd="/")

        def up():
            assert self.process.poll() is None, f"{self.kind} ended with {self.process.returncode}: {(self.base / 'err').read_text()}"
            try:
                self.connect(5).close()
                return True
            except OSError:
                return False
        wait_for(f"{self.kind} to listen", up, 10)
        return self

    def stop(self):
        if self.process and self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait(10)

    def text(self):
        return self.log.read_text(errors="replace") if self.log.exists() else ""

    def connect(self, timeout=15, host="127.0.0.1"):
        s = socket.create_connection((host, self.port), timeout=timeout, source_address=(CLIENT, 0) if host == "127.0.0.1" else None)
        s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return self.context.wrap_socket(s, server_hostname=NAME)

    def exchange(self, data, expect=1, timeout=15, host="127.0.0.1"):
        """Sends bytes on a connection of their own and returns the answers."""
        with self.connect(timeout, host) as s:
            s.sendall(data)
            return Answers(s).read(expect)

    def get(self, path, *headers, **more):
        return self.exchange(get(path, *headers), **more)[0]


def get(path, *headers, method="GET", version="1.1"):
    lines = [f"{method} {path} HTTP/{version}", f"Host: {NAME}", *headers]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


def post(path, body, *headers):
    body = body if isinstance(body, bytes) else body.encode()
    return get(path, f"Content-Length: {len(body)}", *headers, method="POST") + body


class Got:
    """One answer, with what is left of it when the connection ended early."""

    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body
        self.id = headers.get("x-request-id")

    def __repr__(self):
        return f"<{self.status} id={self.id} {self.body[:200]!r}>"


class Answers:
    """Takes a stream of bytes apart into answers; whatever does not fit the grammar is an error. methods: of the requests, for HEAD."""

    def __init__(self, sock, methods=()):
        self.sock, self.data, self.ended = sock, b"", False
        self.methods = list(methods)

    def more(self):
        try:
            got = self.sock.recv(65536)
        except (ConnectionResetError, ssl.SSLError) as e:
            if isinstance(e, (socket.timeout, ssl.SSLWantReadError, ssl.SSLWantWriteError)):
                raise
            got = b""
        self.ended = self.ended or not got
        self.data += got
        return bool(got)

    def one(self):
        """The next final answer, or None at the end of the stream; 1xx are counted in .interim."""
        interim = 0
        while True:
            while b"\r\n\r\n" not in self.data:
                if not self.more():
                    assert not self.data.strip(), f"half an answer: {self.data[:300]!r}"
                    return None
            head, self.data = self.data.split(b"\r\n\r\n", 1)
            lines = head.decode("latin-1").split("\r\n")
            match = re.fullmatch(r"HTTP/1\.[01] (\d{3}) [^\r\n]*", lines[0])
            assert match, f"not a status line: {lines[0]!r}"
            status = int(match[1])
            if status >= 200:
                break
            interim += 1
        headers = {}
        for line in lines[1:]:
            name, value = line.split(":", 1)
            headers[name.lower()] = value.strip()
        method = self.methods.pop(0) if self.methods else "GET"
        got = Got(status, headers, self.body(status, headers, method))
        got.interim = interim
        return got

    def body(self, status, headers, method):
        if method == "HEAD" or status in (204, 304):
            return b""
        if headers.get("transfer-encoding") == "chunked":
            return self.chunked()
        if "content-length" in headers:
            return self.exactly(int(headers["content-length"]))
        while self.more():
            pass
        body, self.data = self.data, b""
        return body

    def exactly(self, n):
        while len(self.data) < n:
            assert self.more(), f"the body ended {n - len(self.data)} bytes early"
        body, self.data = self.data[:n], self.data[n:]
        return body

    def line(self):
        while b"\r\n" not in self.data:
            assert self.more(), "a chunk ended early"
        line, self.data = self.data.split(b"\r\n", 1)
        return line

    def chunked(self):
        out = b""
        while size := int(self.line(), 16):
            out += self.exactly(size)
            self.line()
        self.line()
        return out

    def read(self, expect):
        """Up to so many answers; fewer when the connection ends or stays silent."""
        out = []
        try:
            while len(out) < expect:
                got = self.one()
                if got is None:
                    break
                out.append(got)
        except (socket.timeout, TimeoutError):
            pass
        return out


def upload(sock, parts, seconds=20):
    """Sends while it reads, on one thread, as a client does that notices an early answer: the first answer, or None."""
    answers, left, end = Answers(sock), b"".join(parts), time.monotonic() + seconds
    sock.settimeout(0)
    while left and not answers.data and not answers.ended and time.monotonic() < end:
        select.select([sock], [sock], [], 1)
        try:
            left = left[sock.send(left[:16384]):]
        except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
            pass
        except OSError:
            left = b""
        try:
            answers.more()
        except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
            pass
    sock.settimeout(seconds)
    return answers.one()


class Load:
    """Readers, and a provider that posts, through a proxy; every answer must be the right one. What was not is in .wrong."""

    def __init__(self, proxy, tenant, clients=6):
        self.proxy, self.tenant = proxy, tenant
        self.wrong, self.done, self.acked, self.over = [], 0, [], threading.Event()
        self.threads = [threading.Thread(target=self.client, args=(i,)) for i in range(clients)]

    def __enter__(self):
        for t in self.threads:
            t.start()
        return self

    def __exit__(self, *_):
        self.over.set()
        for t in self.threads:
            t.join(60)

    def client(self, i):
        n = 0
        while not self.over.is_set():
            try:
                with self.proxy.connect(30) as s:
                    n = self.session(s, i, n)
            except (OSError, AssertionError) as e:
                self.wrong.append((i, repr(e)))

    def session(self, s, i, n):
        answers = Answers(s)
        for _ in range(200):
            if self.over.is_set():
                break
            n += 1
            me, number = f"load.{i}.{n}.{self.proxy.port}", 800_000_000 + i * 1_000_000 + n
            if i % 2:
                s.sendall(post(self.tenant.path, ringd.jwt(ringd.call_event(number), self.tenant.secret), f"X-Request-Id: {me}"))
            else:
                s.sendall(get("/api/calls/active?limit=1", f"x-app-api-key: {self.tenant.key}", f"X-Request-Id: {me}"))
            got = answers.one()
            if got is None or got.status != 200 or got.id != me:
                self.wrong.append((me, got))
            elif i % 2:
                self.acked.append(number)
            self.done += 1
            if got is None or got.headers.get("connection") == "close":
                break
            if n % 7 == 0:
                time.sleep(0.02)     # so that connections to ringd are idle now and then
        return n


def reload_under(load, daemon, times=5):
    """Reloads the daemon, each time until only the new generation is left and has answered."""
    for _ in range(times):
        generation, before = daemon.status()["generation"], load.done
        daemon.kill(signal.SIGHUP)
        wait_for("the next generation alone", lambda g=generation: (s := daemon.status())["generation"] > g and
                 all(c["generation"] > g for c in s["children"]), 60)
        wait_for("work on it", lambda b=before: load.done > b + 50 or load.wrong, 30)


def lines_of(text):
    """Log lines by request id; ringd's and the proxies' have request_id= or id=."""
    found = {}
    for line in text.splitlines():
        if rid := re.search(r" (?:request_)?id=(\S+)", line):
            found.setdefault(rid[1], []).append(line)
    return found


def seen(daemon, rid, seconds=10):
    """ringd's log lines of a request."""
    return wait_for(f"ringd's log line of {rid}", lambda: lines_of(daemon.text()).get(rid), seconds)


def client_of(daemon, rid):
    return re.search(r" client=(\S+)", seen(daemon, rid)[0])[1]


def counters(daemon):
    """Connections taken and requests answered so far on the public addresses, children that are gone included."""
    s = daemon.status()
    return s["totals"]["accepted"], s["totals"]["requests"]
