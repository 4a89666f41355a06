"""Secrets stay where they belong. A whole connect, renewals, calls and every kind of trouble with canaries for secrets; then the log,
all answers, the database as pg_dump shows it, every process' arguments, environment and memory are searched for them."""
import base64
import json
import os
import pathlib
import ssl
import subprocess
import threading
import time
import urllib.parse
import uuid

import pytest

import exotel_sim
import provider
import ringd
import sealing
from courier_line import RIBBON_DIAL, RIBBON_LINE, RIBBON_SIGN, Line
from dialpad_sim import CLIENT_SECRET, Browser, Dialpad, dialpad, settings
from ringd import call_event, jwt, request, wait_for

pytestmark = pytest.mark.skipif(os.getuid() != 0, reason="needs root to read the memory of processes")


PASSING = ("access_token", "refresh_token", "code", "code_verifier")    # what goes through the courier and must not stay


class Canaries:
    """Every secret by what it is, and the shapes it may be met in."""

    def __init__(self):
        self.of = {}

    def add(self, kind, text):
        self.of.setdefault(kind, set()).add(text if isinstance(text, bytes) else text.encode())

    def shapes(self, *kinds):
        out = {}
        for kind in kinds or self.of:
            for c in self.of[kind]:
                for shape in (c, c.hex().encode(), base64.b64encode(c), urllib.parse.quote(c, safe="").encode()):
                    out[shape] = kind
        return out

    def found(self, data, *kinds):
        return sorted({kind for shape, kind in self.shapes(*kinds).items() if shape in data})


class Watched(Dialpad):
    """The simulator, over TLS too; whatever secret goes in or out is noted."""

    def __init__(self, canaries, authority):
        super().__init__()
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(authority.issue("simulator"))
        self.plain_url = self.url
        self.twin = dialpad.Server(("127.0.0.1", 0), self.server.RequestHandlerClass)
        self.twin.socket = context.wrap_socket(self.twin.socket, server_side=True)
        threading.Thread(target=self.twin.serve_forever, daemon=True).start()
        self.url = f"https://localhost:{self.twin.server_address[1]}"
        sim, grant, token = self.sim, self.sim.grant, self.sim.token

        def noted_grant(family, user):
            answer = grant(family, user)
            for name in ("access_token", "refresh_token"):
                canaries.add(name, answer[name])
            return answer

        def noted_token(form, basic):
            for name in ("code", "code_verifier"):
                if form.get(name):
                    canaries.add(name, form[name])
            return token(form, basic)
        sim.grant, sim.token = noted_grant, noted_token


    def stop(self):
        super().stop()
        self.twin.shutdown()
        self.twin.server_close()


def writable(pid):
    """All memory a process can write to: heap, stacks, data, libraries' data."""
    with open(f"/proc/{pid}/maps", encoding="ascii") as maps, open(f"/proc/{pid}/mem", "rb", buffering=0) as mem:
        for line in maps:
            where, mode = line.split()[:2]
            if "w" not in mode:
                continue
            start, end = (int(x, 16) for x in where.split("-"))
            try:
                mem.seek(start)
                yield line.rstrip(), mem.read(end - start)
            except (OSError, ValueError):
                continue


def in_memory(pid, canaries, *kinds):
    return sorted({(kind, line.split()[-1]) for line, data in writable(pid) for kind in canaries.found(data, *kinds)})


@pytest.fixture(scope="module")
def story(base, pg, new_daemon):
    """The life of a connection, with everything on the way kept: the canaries, what was answered, and the daemon, idle again."""
    canaries, answers = Canaries(), []
    authority = provider.Authority(base / "canary-authority")
    sim = Watched(canaries, authority)
    d = new_daemon()
    ring = {1: os.urandom(32), 2: os.urandom(32)}
    keys = sealing.write_ring(d.base / "keys", ring)
    for key in ring.values():
        canaries.add("master key", key)
    canaries.add("client secret", CLIENT_SECRET)
    canaries.add("database password", "canary-database-password")
    s = settings(sim, d.port, keys)
    s["courier"].update(timeout="4s", connect_timeout="2s", ca_file=str(authority.ca_file))
    d.write(log={"level": "debug", "access": "true"}, **s)
    d.config.write_text(d.config.read_text().replace("user=ringd_courier", "user=ringd_courier password=canary-database-password"))
    d.start()
    t = ringd.Tenant(pg.dsn(d.database), "Canary")
    canaries.add("hook secret", t.secret)
    key = ringd.ringctl("key", "create", t.id, "--scopes", "dial,connect", database=pg.dsn(d.database))["api_key"]
    canaries.add("api key", key)
    canaries.add("api key", t.key)

    def keep(a):
        answers.append(repr(a.headers).encode() + a.body)
        return a

    def connect():
        browser = Browser()
        link = ringd.ringctl("dialpad", "connect-url", t.id, database=pg.dsn(d.database), config=d.config)["url"]
        there = keep(browser.get(link))
        return keep(browser.get(browser.consent(there.headers["location"].replace(sim.url, sim.plain_url))))

    def renew(**faults):
        before = sim.count("token.refresh_token") + sum(n for k, n in sim.sim.counts.items() if k.startswith("fault.token"))
        sim.misbehave(**faults)
        with pg.connect(d.database) as c, c.cursor() as q:
            q.execute("UPDATE dialpad_connections SET next_try_at = now()")
        wait_for("a renewal", lambda: sim.count("token.refresh_token") + sum(n for k, n in sim.sim.counts.items() if k.startswith("fault.token")) > before)

    def dial(**more):
        body = json.dumps({"user_id": "5600110022003300", "phone_number": "+15550142233", **more})
        return keep(request(d.port, "POST", "/api/calls", {"x-app-api-key": key}, body, 30))

    for fault in ("echo", "401", "garbage", "error_in_200", "close"):
        sim.misbehave(token=fault)
        assert connect().status in (502, 503)
    for fault in ("401", "garbage", "404"):
        sim.misbehave(times=4, rest__users=fault)
        connect()
        sim.sim.faults.clear()
    assert connect().status == 200
    for fault in ("echo", "garbage", "error_503"):
        with pg.connect(d.database) as c, c.cursor() as q:
            q.execute("UPDATE dialpad_connections SET state = 'connected', attempts = 0")
        renew(token=fault)
    sim.sim.faults.clear()
    time.sleep(0.3)
    assert connect().status == 200
    renew()
    with sim.sim.lock:
        for held in sim.sim.access.values():
            held["until"] = 0
    assert dial(custom_data="x").status == 201          # with a 401 and a renewal on the way
    wait_for("the courier to be idle", lambda: request(d.admin, "GET", "/courier").json["data"]["provider_requests_under_way"] == 0)
    d.left_behind = in_memory(d.pids("courier")[0], canaries, *PASSING)
    for fault in ("echo", "400", "close", "error_500"):
        sim.misbehave(rest__call=fault)
        dial()
    keep(d.post(t.path, jwt(call_event(1), t.secret)))
    keep(d.post(t.path, jwt(call_event(2), "wrong" * 8)))
    for path in ("/courier", "/keyring", "/status", "/health/ready"):
        keep(request(d.admin, "GET", path))
    keep(request(d.admin, "POST", "/courier/probe"))
    keep(d.get("/api/calls", t.key))
    sim.misbehave(token="hang")                         # and one that never comes back
    connect()
    sim.stop()
    wait_for("the courier to be idle", lambda: request(d.admin, "GET", "/courier").json["data"]["provider_requests_under_way"] == 0, 40)
    yield d, canaries, answers
    assert d.stop() == 0
    assert not canaries.found(d.text().encode()), "at the end"


def test_the_test_itself_finds_what_is_there(story):
    d, canaries, _ = story
    assert len(canaries.of["access_token"]) >= 4 and len(canaries.of["code_verifier"]) >= 3
    assert ("client secret", "[heap]") in in_memory(d.pids("courier")[0], canaries)
    assert canaries.found(d.config.read_bytes()) == ["client secret", "database password"]


def test_the_log(story):
    d, canaries, _ = story
    assert " DEBUG " in d.text().upper() or "debug" in d.text()
    assert canaries.found(d.text().encode()) == []


def test_the_answers(story):
    _, canaries, answers = story
    assert len(answers) > 30
    assert canaries.found(b"\n".join(answers)) == []


def test_the_database(pg, story):
    d, canaries, _ = story
    dump = subprocess.run([str(ringd.pg_bin() / "pg_dump"), "--inserts", pg.dsn(d.database, "postgres")], capture_output=True, check=True, timeout=60).stdout
    assert b"INSERT INTO public.dialpad_connections" in dump and b"INSERT INTO public.dialpad_dials" in dump
    # What deliveries are verified with is what every worker must be able to read; it stands in one table and nowhere else.
    elsewhere = b"\n".join(line for line in dump.splitlines() if not line.startswith(b"INSERT INTO public.hook_lookup"))
    assert canaries.found(dump) == ["hook secret"] and canaries.found(elsewhere) == []
    assert canaries.found((pg.base / "log").read_bytes()) == []


def test_arguments_and_environment(story):
    d, canaries, _ = story
    pids = [d.process.pid] + [c["pid"] for c in d.status()["children"]]
    assert len(pids) == 5
    for pid in pids:
        for name in ("cmdline", "environ"):
            assert canaries.found(pathlib.Path(f"/proc/{pid}/{name}").read_bytes()) == [], (pid, name)


def test_the_memory_of_workers_and_reaper(story):
    d, canaries, _ = story
    for role in ("worker", "reaper"):
        for pid in d.pids(role):
            assert in_memory(pid, canaries, "access_token", "refresh_token", "client secret", "master key", "database password") == [], role


def test_the_memory_of_the_master(story):
    """It hands the keys and the client's secret on to couriers to come; tokens it never meets."""
    d, canaries, _ = story
    assert in_memory(d.process.pid, canaries, *PASSING) == []


def test_the_courier_keeps_no_token(story):
    """Idle, it holds its keys and the client's secret, and no token, code or verifier of all those that went through it."""
    d, canaries, _ = story
    assert d.left_behind == [], d.left_behind
    assert in_memory(d.pids("courier")[0], canaries, *PASSING) == []


# ---- Exotel: what ringctl seals, the courier uses, and nobody else ever meets

EXOTEL = ("app token", "api key of Exotel", "api token", "sip secret")


@pytest.fixture(scope="module")
def exotel_story(pg, new_daemon):
    canaries, answers = Canaries(), []
    sim = exotel_sim.Exotel()
    for kind, text in zip(EXOTEL, exotel_sim.CANARIES):
        canaries.add(kind, text)
    canaries.add("sip secret", "canary-sip-secret-of-asha")
    canaries.add("app token", "canary-app-token-of-later")
    d = new_daemon()
    s = exotel_sim.settings(sim, d.port, sealing.write_ring(d.base / "keys", {1: os.urandom(32)}), sign_rate="200")
    s["courier"].update(timeout="4s", connect_timeout="2s")
    d.write(log={"level": "debug", "access": "true"}, **s)
    d.start()
    dsn = pg.dsn(d.database)
    app = ringd.ringctl("app", "create", "Canary of Exotel", database=dsn)["id"]

    def keep(*args, stdin=None):
        done = ringd.ringctl(*args, database=dsn, config=d.config, check=False, stdin=stdin)
        answers.append((done.stdout + done.stderr).encode())
        return done

    keep("exotel", "link", app, stdin="account_sid=acme1\napp_token " + exotel_sim.APP_TOKEN)       # what is wrong is not repeated
    keep("exotel", "link", app, stdin=json.dumps({"account_sid": exotel_sim.APP_TOKEN + "/", "api_key": exotel_sim.API_KEY}))
    assert keep("exotel", "link", app, "--credentials-file", str(exotel_sim.credentials(d.base))).returncode == 0
    secret = d.base / "sip.secret"
    secret.write_text("canary-sip-secret-of-asha")
    assert keep("agent", "add", app, "asha", "--sip-user", "asha1", "--sip-secret-file", str(secret)).returncode == 0
    assert keep("agent", "sync", app).returncode == 0
    for fault in ("401", "echo", "garbage"):
        sim.misbehave(times=4, usermapping=fault)
        keep("agent", "sync", app)
    sim.sim.faults.clear()
    keep("exotel", "status", app)
    keep("agent", "list", app)
    line = Line(d.pids("worker")[0])

    def ask(kind, *fields):
        answers.append(json.dumps(line.answer(line.send(kind, *fields))).encode())

    def rows(text, *values):
        with pg.connect(d.database) as c, c.cursor() as q:
            q.execute(text, values)
            return q.fetchall() if q.description else None

    key, agents = str(uuid.uuid4()), [a for a, in rows("SELECT id FROM ribbon_agents ORDER BY agent_id")]
    rows("INSERT INTO api_keys (app_id, id, key_hash, kind, prefix, last4) VALUES (%s, %s, 'x', 'browser', 'web_abcd', 'wxyz')", app, key)
    rows("UPDATE ribbon_agents SET phone = '+919800000001'")
    for i, fault in enumerate((None, "echo", "401", "409", "429", "500", "garbage", "lost", "close", "device_off", None)):
        for mode in ("webrtc", "callback"):
            if fault:
                sim.misbehave(outbound_call=fault, connect=fault)
            call = str(uuid.uuid4())
            rows("INSERT INTO ribbon_calls (app_id, id, session_id, key_id, agent, phone_number, mode, month, state, created_at) VALUES "
                 "(%s, %s, %s, %s, %s, '+919812345678', %s, '2026-11', 'asked', now())", app, call, key, key, agents[i % len(agents)], mode)
            ask(RIBBON_DIAL, app, call)
            sim.sim.faults.clear()
    assert sim.count("placed.webrtc") >= 2 and sim.count("placed.callback") >= 2
    for agent in agents:
        session = str(uuid.uuid4())
        rows("INSERT INTO ribbon_sessions (app_id, id, token_hash, key_id, agent, origin, created_at, expires_at) VALUES (%s, %s, sha256(%s), %s, %s, 'https://x', now(), "
             "now() + interval '1 hour')", app, session, session.encode(), key, agent)
        ask(RIBBON_LINE, app, agent)
        for method, realm in (("REGISTER", "acme1.voip.exotel.com"), ("INVITE", "acme1.voip.exotel.com"), ("REGISTER", "x")):
            ask(RIBBON_SIGN, app, session, json.dumps({"method": method, "uri": "sip:acme1.voip.exotel.com", "realm": realm, "nonce": "n", "qop": "auth"}))
    assert keep("exotel", "rotate", app, stdin="app_token=canary-app-token-of-later").returncode == 0
    sim.misbehave(outbound_call="hang")                 # and one that never comes back
    call = str(uuid.uuid4())
    rows("INSERT INTO ribbon_calls (app_id, id, session_id, key_id, agent, phone_number, mode, month, state, created_at) VALUES "
         "(%s, %s, %s, %s, %s, '+919812345678', 'webrtc', '2026-11', 'asked', now())", app, call, key, key, agents[0])
    before, asked = sim.count("outbound_call"), line.send(RIBBON_DIAL, app, call)
    wait_for("the request", lambda: sim.count("outbound_call") > before)
    d.while_under_way = {kind for kind, _ in in_memory(d.pids("courier")[0], canaries)}
    answers.append(json.dumps(line.answer(asked)).encode())
    line.close()
    for path in ("/courier", "/keyring", "/status", "/metrics"):
        answers.append(request(d.admin, "GET", path).body)
    wait_for("the courier to be idle", lambda: request(d.admin, "GET", "/courier").json["data"]["provider_requests_under_way"] == 0, 40)
    yield d, canaries, answers
    sim.stop()
    assert d.stop() == 0
    assert not canaries.found(d.text().encode()), "at the end"


def test_exotel_in_logs_answers_and_arguments(pg, exotel_story):
    d, canaries, answers = exotel_story
    assert b"Digest username" in b"\n".join(answers) and "call placed" in d.text()
    assert canaries.found(b"\n".join(answers)) == [] and canaries.found(d.text().encode()) == []
    assert canaries.found((pg.base / "log").read_bytes()) == []
    for pid in [d.process.pid] + [c["pid"] for c in d.status()["children"]]:
        for name in ("cmdline", "environ"):
            assert canaries.found(pathlib.Path(f"/proc/{pid}/{name}").read_bytes()) == [], (pid, name)


def test_exotel_in_the_database(pg, exotel_story):
    d, canaries, _ = exotel_story
    dump = subprocess.run([str(ringd.pg_bin() / "pg_dump"), "--inserts", pg.dsn(d.database, "postgres")], capture_output=True, check=True, timeout=60).stdout
    for table in ("exotel_accounts", "ribbon_agents", "ribbon_calls", "audit_log"):
        assert f"INSERT INTO public.{table} ".encode() in dump, table
    assert canaries.found(dump) == []


def test_exotel_in_memory(exotel_story):
    """Workers, reaper and master never meet them; the courier forgets them with each piece of work."""
    d, canaries, _ = exotel_story
    assert d.while_under_way == {"app token"}, "what is looked for would be found"
    for pid in [d.process.pid, *d.pids("worker"), *d.pids("reaper"), *d.pids("courier")]:
        assert in_memory(pid, canaries) == [], pid
