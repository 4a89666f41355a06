"""What an end-to-end test drives: a throw-away PostgreSQL, the real daemon on it, and a provider's signatures.

Nothing is mocked. Every process is ended by its pid; every wait has an end.
"""
import base64
import hashlib
import hmac
import http.client
import json
import os
import pathlib
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import urllib.parse

import psycopg2
import psycopg2.extensions

TOP = pathlib.Path(__file__).resolve().parents[2]
BIN = pathlib.Path(os.environ.get("RINGD_BIN_DIR", TOP))
# Counted and told, never met: a test that wants limits gives its own.
FAR_LIMITS = {"requests": 10_000_000, "connections_per_address": 1_000_000, "failures_per_address": 10_000_000}
SAMPLES = [json.loads(line) for line in (TOP / "tests/data/dialpad-samples.jsonl").read_text().splitlines()]


def wait_for(what, condition, seconds=20.0, every=0.05):
    """Polls until condition() is true and returns its value; fails naming what was waited for."""
    end = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError(f"waited {seconds} s for: {what}")
        time.sleep(every)


def is_alive(pid):
    """A zombie is not: whoever should have waited for it may be gone."""
    try:
        return "\nState:\tZ" not in pathlib.Path(f"/proc/{pid}/status").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def pg_bin():
    """The folder of a server's programs: Debian keeps them off the PATH, others on it."""
    found = sorted(pathlib.Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda p: int(p.parts[-3]))
    if found:
        return found[-1].parent
    if shutil.which("initdb"):
        return pathlib.Path(shutil.which("initdb")).resolve().parent
    raise RuntimeError("no initdb: install PostgreSQL")


class Connection(psycopg2.extensions.connection):
    """Autocommit for real: psycopg2's own `with` would open a transaction around the block, and hold its locks."""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


class Postgres:
    """A private cluster on a Unix socket (and a loopback port), owned by whoever may own one."""

    def __init__(self, base):
        self.base = pathlib.Path(base)
        self.data, self.sock = self.base / "data", self.base / "sock"
        self.port = free_port()
        self.bin = pg_bin()
        self.user = "postgres" if os.getuid() == 0 else None
        self.sock.mkdir(parents=True)
        self.base.chmod(0o755)
        if self.user:
            who = pwd.getpwnam(self.user)
            os.chown(self.base, who.pw_uid, who.pw_gid)
            os.chown(self.sock, who.pw_uid, who.pw_gid)
        self.run("initdb", "-D", self.data, "-A", "trust", "-U", "postgres", "--no-sync", "-E", "UTF8", "--locale=C.UTF-8")
        with open(self.data / "postgresql.conf", "a", encoding="utf-8") as f:
            f.write(f"port={self.port}\nlisten_addresses='127.0.0.1'\nunix_socket_directories='{self.sock}'\n"
                    "max_connections=80\nlog_min_messages=warning\n")
        self.start()

    def run(self, program, *args):
        command = [str(self.bin / program), *map(str, args)]
        if self.user:
            command = ["runuser", "-u", self.user, "--", *command]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, timeout=120, cwd="/")

    def start(self):
        self.run("pg_ctl", "-D", self.data, "-l", self.base / "log", "-w", "start")

    def stop(self, mode="fast"):
        self.run("pg_ctl", "-D", self.data, "-m", mode, "-w", "stop")

    def dsn(self, database, user="ringd_owner"):
        return f"host={self.sock} port={self.port} dbname={database} user={user}"

    def connect(self, database, user="ringd_owner"):
        c = psycopg2.connect(self.dsn(database, user), connection_factory=Connection)
        c.autocommit = True
        return c

    def psql(self, database, file):
        subprocess.run([str(self.bin / "psql"), "-qX", "-v", "ON_ERROR_STOP=1", "-f", str(file),
                        self.dsn(database, "postgres")], check=True, stdout=subprocess.DEVNULL, timeout=60)


def ringctl(*args, database=None, config=None, check=True, stdin=None, env=None):
    """Runs ringctl --json and returns its document (or, with check=False, the finished process)."""
    command = [str(BIN / "ringctl"), "--json"]
    if database:
        command += ["--database", database]
    if config:
        command += ["-f", str(config)]
    done = subprocess.run(command + list(map(str, args)), capture_output=True, text=True, timeout=120, input=stdin,
                          env={**os.environ, **(env or {})})
    if not check:
        return done
    assert done.returncode == 0, f"ringctl {args}: exit {done.returncode}: {done.stderr}"
    return json.loads(done.stdout) if done.stdout.strip() else None


class Answer:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    @property
    def json(self):
        return json.loads(self.body)

    def __repr__(self):
        return f"<{self.status} {self.body[:300]!r}>"


def request(port, method, path, headers=None, body=None, timeout=15):
    return ask(http.client.HTTPConnection("127.0.0.1", port, timeout=timeout), method, path, headers, body)


class UnixConnection(http.client.HTTPConnection):
    def __init__(self, path, timeout):
        super().__init__("localhost", timeout=timeout)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)


def ask(c, method, path, headers=None, body=None):
    try:
        c.request(method, path, body=body, headers=headers or {})
        r = c.getresponse()
        return Answer(r.status, {k.lower(): v for k, v in r.getheaders()}, r.read())
    finally:
        c.close()


def raw(port, data, timeout=10):
    """Sends bytes, returns everything until the server closes (or the time is over)."""
    with socket.create_connection(("127.0.0.1", port), timeout=timeout) as s:
        if isinstance(data, bytes):
            data = [data]
        try:
            for part in data:
                s.sendall(part)
        except (BrokenPipeError, ConnectionResetError):
            pass
        out = b""
        try:
            while True:
                got = s.recv(65536)
                if not got:
                    break
                out += got
        except (socket.timeout, ConnectionResetError):
            pass
        return out


class Daemon:
    """ringd itself, on a configuration written by the test."""

    def __init__(self, base, pg, database, workers=2, **more):
        self.base = pathlib.Path(base)
        self.base.mkdir(parents=True, exist_ok=True)
        self.pg, self.database = pg, database
        self.port, self.admin = free_port(), free_port()
        self.socket = str(self.base / "admin.sock")     # more than reading is allowed here only
        self.config, self.log = self.base / "ringd.yaml", self.base / "ringd.log"
        self.pid_file = self.base / "ringd.pid"
        self.process = None
        self.settings = {"workers": workers, "limits": FAR_LIMITS, **more}
        self.write()

    def write(self, **changes):
        self.settings.update(changes)
        s = dict(self.settings)
        listen = s.pop("listen", f"\n  - address: 127.0.0.1:{self.port}")
        lines = [f"pid_file: {self.pid_file}", f"workers: {s.pop('workers')}",
                 f"listen: {listen}", f"admin:\n  listen:\n    - address: 127.0.0.1:{self.admin}",
                 f"    - address: unix:{self.socket}",
                 *(f"    - address: {a}" for a in s.pop("admin_more", [])),
                 *(f"  {k}: {v}" for k, v in s.pop("admin_keys", {}).items()),
                 "database:", f"  worker_url: '{self.pg.dsn(self.database, 'ringd_worker')}'",
                 f"  reaper_url: '{self.pg.dsn(self.database, 'ringd_reaper')}'"]
        if "key_file" in s.get("courier", {}):
            lines.append(f"  courier_url: '{self.pg.dsn(self.database, 'ringd_courier')}'")
        lines += [f"  {k}: {v}" for k, v in s.pop("database_keys", {}).items()]
        if os.getuid() == 0 and "user" not in s:
            lines.append("user: postgres")
        for key, value in s.items():
            if isinstance(value, dict):
                lines.append(f"{key}:")
                lines += self.nested(value, 1)
            else:
                lines.append(f"{key}: {value}")
        self.config.write_text("\n".join(lines) + "\n", encoding="utf-8")
        self.config.chmod(0o600)

    def nested(self, value, depth):
        out = []
        for k, v in value.items():
            if isinstance(v, dict):
                out.append("  " * depth + f"{k}:")
                out += self.nested(v, depth + 1)
            else:
                out.append("  " * depth + f"{k}: {v}")
        return out

    def start(self, ready=True, environment=None):
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen([str(BIN / "ringd"), "-d", "-f", str(self.config)], stdout=log, stderr=log,
                                            env={**os.environ, **(environment or {})})
        if ready:
            self.wait_ready()
        return self

    def wait_ready(self, seconds=30):
        def look():
            assert self.process.poll() is None, f"ringd ended with {self.process.returncode}:\n{self.text()}"
            try:
                return request(self.admin, "GET", "/health/ready", timeout=2).status == 200 and self.all_connected()
            except (ConnectionError, socket.timeout, http.client.HTTPException):
                return False
        wait_for("ringd to be ready", look, seconds)

    def all_connected(self):
        children = self.status()["children"]
        return len(children) >= 2 and all(c["state"] == "ready" and c["db"] == "up" for c in children)

    def text(self):
        return self.log.read_text(errors="replace") if self.log.exists() else ""

    def kill(self, signo):
        self.process.send_signal(signo)

    def stop(self, signo=signal.SIGTERM, seconds=40):
        if self.process is None or self.process.poll() is not None:
            return self.process.returncode if self.process else None
        self.kill(signo)
        try:
            self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait(10)
            raise AssertionError(f"ringd did not end within {seconds} s of {signo}:\n{self.text()[-3000:]}")
        return self.process.returncode

    def master(self):
        """The pid in the pid file: after an upgrade another process than the one that was started here."""
        return int(self.pid_file.read_text())

    def stop_master(self, signo=signal.SIGTERM, seconds=40):
        """Ends whoever the master is now."""
        pid = self.master() if self.pid_file.exists() else 0
        if pid and is_alive(pid) and b"ringd" in pathlib.Path(f"/proc/{pid}/cmdline").read_bytes():     # not one that was killed
            os.kill(pid, signo)
            wait_for(f"master {pid} to end", lambda: not is_alive(pid), seconds)
        if self.process is not None:
            self.process.wait(seconds)

    def status(self):
        return request(self.admin, "GET", "/status").json["data"]

    def pids(self, role):
        return [c["pid"] for c in self.status()["children"] if c["role"] == role and c["state"] == "ready"]

    def get(self, path, key=None, **headers):
        h = {k.replace("_", "-"): v for k, v in headers.items()}
        if key:
            h["x-app-api-key"] = key
        return request(self.port, "GET", path, h)

    def admin_post(self, path, body=None, timeout=15, headers=None):
        return ask(UnixConnection(self.socket, timeout), "POST", path, headers, body)

    def post(self, path, body, headers=None):
        return request(self.port, "POST", path, headers, body)


class Tenant:
    """An app with a key and a Dialpad hook, made as an administrator makes them."""

    def __init__(self, database, name):
        app = ringctl("app", "create", name, database=database)
        hook = ringctl("hook", "create", app["id"], database=database)
        self.name, self.id, self.key = name, app["id"], app["api_key"]
        self.hook_id = hook["id"]
        self.path = urllib.parse.urlparse(hook["url"]).path
        self.secret = hook["secret"]


def b64url(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def dumps(payload):
    return payload if isinstance(payload, str) else json.dumps(payload, separators=(",", ":"))


def jwt(payload, secret, header=None):
    """The body of a real Dialpad delivery."""
    head = b64url(json.dumps(header or {"alg": "HS256", "typ": "JWT"}).encode())
    claims = b64url(dumps(payload).encode())
    mac = hmac.new(secret.encode(), f"{head}.{claims}".encode(), hashlib.sha256).digest()
    return f"{head}.{claims}.{b64url(mac)}"


def seed_signature(body, secret, encoding="hex"):
    mac = hmac.new(secret.encode(), body.encode(), hashlib.sha256)
    if encoding == "base64":
        return base64.b64encode(mac.digest()).decode()
    return ("sha256=" if encoding == "sha256" else "") + mac.hexdigest()


def call_event(call_id, state="ringing", ts=None, **more):
    now = int(time.time() * 1000)
    return {"call_id": call_id, "state": state, "event_timestamp": ts or now, "direction": "inbound", "date_started": now,
            "external_number": "+15550142233", "internal_number": "+15550100101",
            "target": {"id": 5600110022003300, "type": "user", "name": "Dana Ortiz", "email": "dana@example.com"}, **more}


def drained(db, seconds=20):
    """Waits until the reaper has nothing left to do."""
    def empty():
        with db.cursor() as c:
            c.execute("SELECT count(*) FROM webhook_queue")
            return c.fetchone()[0] == 0
    wait_for("the queue to be empty", empty, seconds)


def temporary_directory():
    # Short, and outside of a home directory: socket paths are limited and the service user must reach it.
    return tempfile.mkdtemp(prefix="ringd-test-", dir="/tmp")
