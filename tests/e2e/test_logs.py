"""The log of the running daemon: what is in a line, whose it is, what never gets in, and how talkative it is made to be."""
import http.client
import json
import os
import re
import signal
import socket
import subprocess
import threading
import time
import uuid

import pytest

import ringd
from ringd import BIN, call_event, drained, jwt, ringctl, wait_for

TEXT_LINE = re.compile(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z (error|warn|info|debug) [a-z]+( \d+)?\[\d+\]: \S")


def lines(d):
    """Every line as an object: anything else in the log fails here."""
    return [json.loads(line) for line in d.text().splitlines()]


def of_request(d, request_id):
    return [x for x in lines(d) if x.get("request_id") == request_id]


def access_line(d, request_id):
    return wait_for(f"the line of {request_id}", lambda: [x for x in of_request(d, request_id) if "write" in x])[0]


@pytest.fixture(scope="module")
def daemon(new_daemon):
    d = new_daemon(log={"format": "json"}).start()
    yield d
    assert d.stop() == 0
    lines(d)


def log(d, *args, **more):
    return ringctl("log", *args, "--admin", f"unix:{d.socket}", **more)


@pytest.fixture
def talkative(daemon):
    log(daemon, "set", "debug")
    yield daemon
    log(daemon, "reset")


def test_every_line_is_an_object_with_its_head(daemon, acme):
    daemon.get("/api/calls/active", acme.key)
    for x in lines(daemon):
        assert list(x)[:5] == ["time", "level", "role", "pid", "module"] and "msg" in x, x
        assert x["level"] in ("error", "warn", "info", "debug")
        assert re.fullmatch(r"master|reaper|worker \d+", x["role"])


def test_the_access_line_says_where_the_time_went(daemon, acme):
    for n in range(5):
        assert daemon.get("/api/calls/active", acme.key, x_request_id=f"split-{n}").status == 200
        x = access_line(daemon, f"split-{n}")
        assert x["msg"] == "GET /api/calls/active" and x["app"] == acme.id and x["status"] == 200
        assert x["route"] == "calls_active" and x["step"] == "page" and x["client"] == "127.0.0.1" and x["bytes"] > 20
        assert x["db"] > 0 and x["parse"] >= 0 and x["wait"] >= 0 and x["write"] >= 0
        assert x["parse"] + x["wait"] + x["db"] + x["write"] <= x["ms"] + 0.005
        assert x["ms"] < x["parse"] + x["wait"] + x["db"] + x["write"] + 50
    assert list(x)[-10:] == ["status", "bytes", "ms", "parse", "wait", "db", "write", "client", "step", "route"]


def test_a_slow_client_shows_in_parse_and_a_lock_in_db(daemon, db, acme):
    import socket
    with socket.create_connection(("127.0.0.1", daemon.port)) as s:
        s.sendall(b"GET /api/calls/active HTTP/1.1\r\nHost: x\r\nX-Request-Id: slow-head\r\n")
        time.sleep(0.3)
        s.sendall(f"x-app-api-key: {acme.key}\r\nConnection: close\r\n\r\n".encode())
        assert s.recv(65536).startswith(b"HTTP/1.1 200")
    x = access_line(daemon, "slow-head")
    assert x["parse"] >= 200 > x["db"] + x["wait"], x
    db.autocommit = False
    with db.cursor() as c:
        c.execute("LOCK TABLE calls IN ACCESS EXCLUSIVE MODE")
        t = threading.Thread(target=lambda: daemon.get("/api/calls/active", acme.key, x_request_id="locked"))
        t.start()
        time.sleep(0.4)
    db.rollback()
    db.autocommit = True
    t.join(10)
    x = access_line(daemon, "locked")
    assert x["status"] == 200 and x["db"] >= 250 > x["parse"] + x["write"], x


def test_who_stands_in_line_waits_and_is_not_charged_for_others(new_daemon, pg):
    d = new_daemon(workers=1, log={"format": "json"}).start()
    t = ringd.Tenant(pg.dsn(d.database), "In line")
    assert d.get("/api/calls/active", t.key).status == 200
    with pg.connect(d.database) as c:
        c.autocommit = False
        with c.cursor() as q:
            q.execute("LOCK TABLE calls IN ACCESS EXCLUSIVE MODE")
            threads = []
            for n in range(2):
                threads.append(threading.Thread(target=lambda n=n: d.get("/api/calls/active", t.key, x_request_id=f"line-{n}")))
                threads[-1].start()
                time.sleep(0.2)
            time.sleep(0.3)
        c.rollback()
    for thread in threads:
        thread.join(10)
    first, second = access_line(d, "line-0"), access_line(d, "line-1")
    assert first["db"] >= 500 > first["wait"], first
    assert second["wait"] >= 300 > second["db"], second
    assert d.stop() == 0


def test_who_leaves_first_is_499_and_waits_for_no_write(daemon, db, acme):
    import socket
    db.autocommit = False
    with db.cursor() as c:
        c.execute("LOCK TABLE calls IN ACCESS EXCLUSIVE MODE")
        s = socket.create_connection(("127.0.0.1", daemon.port))
        s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")     # a reset, not a half close
        s.sendall(f"GET /api/calls/active HTTP/1.1\r\nHost: x\r\nX-Request-Id: leaver\r\nx-app-api-key: {acme.key}\r\n\r\n".encode())
        time.sleep(0.3)
        s.close()
        x = access_line(daemon, "leaver")
    db.rollback()
    db.autocommit = True
    assert x["status"] == 499 and x["write"] is None and x["app"] == acme.id


def test_pipelined_answers_have_a_line_each(daemon, acme):
    asked = "".join(f"GET /api/calls/active HTTP/1.1\r\nHost: x\r\nX-Request-Id: pipe-{n}\r\nx-app-api-key: {acme.key}\r\n"
                    f"{'Connection: close' + chr(13) + chr(10) if n == 9 else ''}\r\n" for n in range(10))
    assert ringd.raw(daemon.port, asked.encode()).count(b"HTTP/1.1 200") == 10
    for n in range(10):
        access_line(daemon, f"pipe-{n}")
        assert len([x for x in of_request(daemon, f"pipe-{n}") if "write" in x]) == 1


def test_steps_of_a_request_bear_its_id_and_app(talkative, acme):
    d = talkative
    assert d.get("/api/calls?limit=1", acme.key, x_request_id="steps-1").status == 200
    access_line(d, "steps-1")
    mine = of_request(d, "steps-1")
    assert {"http", "api", "db"} <= {x["module"] for x in mine}, mine
    known = [i for i, x in enumerate(mine) if "app" in x]
    assert known and all("app" in x for x in mine[known[0]:]), mine
    assert {x["app"] for x in mine if "app" in x} == {acme.id}
    job = next(x for x in mine if x["msg"] == "database job" and x["statement"] == "calls_by_time")
    assert job["outcome"] == "ok" and job["db"] > 0
    assert d.post(acme.path, jwt(call_event(70001), acme.secret), {"X-Request-Id": "hook-1"}).status == 200
    access_line(d, "hook-1")
    assert any(x["msg"] == "event verified" and x["secret"] == "current" and x["app"] == acme.id for x in of_request(d, "hook-1"))
    # A batch is the work of many: its jobs are nobody's.
    stored = [x for x in lines(d) if x["module"] == "worker" and x["msg"] == "events stored"]
    assert stored and not any("request_id" in x or "app" in x for x in stored)


def test_errors_of_the_database_bear_id_and_app(daemon, pg, acme):
    with pg.connect(daemon.database, "postgres") as c:
        c.cursor().execute("REVOKE SELECT ON calls FROM ringd_worker")
        try:
            assert daemon.get("/api/calls/active", acme.key, x_request_id="refused-1").status == 500
        finally:
            c.cursor().execute("GRANT SELECT ON calls TO ringd_worker")
    access_line(daemon, "refused-1")
    (x,) = [x for x in of_request(daemon, "refused-1") if x["level"] == "error"]
    assert x["app"] == acme.id and x["sqlstate"] == "42501" and x["step"] == "page" and "permission denied" in x["error"]


def test_no_line_is_ever_another_request_s(talkative, acme, globex):
    """Two tenants' requests of all kinds, interleaved on few workers with everything logged: each id goes with its own app only."""
    d = talkative

    def run(t, word, threads_end):
        n = 0
        while time.monotonic() < threads_end:
            c = http.client.HTTPConnection("127.0.0.1", d.port, timeout=10)
            for _ in range(20):
                n += 1
                if n % 3 == 0:
                    c.request("POST", t.path, jwt(call_event(80000 + n), t.secret), {"X-Request-Id": f"{word}-{n}"})
                elif n % 7 == 0:
                    c.request("GET", "/nowhere", headers={"X-Request-Id": f"none-{word}{n}"})
                else:
                    c.request("GET", f"/api/calls?limit={n % 50 + 1}", headers={"X-Request-Id": f"{word}-{n}", "x-app-api-key": t.key})
                c.getresponse().read()
            c.close()
    end = time.monotonic() + 2
    threads = [threading.Thread(target=run, args=(t, f"{t.name}{i}", end)) for i in range(3) for t in (acme, globex)]
    for t in threads:
        t.start()
    for t in threads:
        t.join(30)
    seen = {"Acme": 0, "Globex": 0}
    for x in lines(d):
        for t in (acme, globex):
            if x.get("request_id", "").startswith(t.name) and "app" in x:
                assert x["app"] == t.id, x
                seen[t.name] += 1
        if x.get("request_id", "").startswith("none-"):
            assert "app" not in x, x
        if x["role"] == "master" or "draining" in x["msg"]:
            assert "app" not in x and "request_id" not in x, x
    assert min(seen.values()) > 200, seen


HOSTILE = [
    b"GET /a%0a2026-01-27T10:30:00.000Z%20error%20master[1]:%20forged HTTP/1.1\r\nHost: x\r\n\r\n",
    b"GET /a\x80\xff\"},{\"level\":\"error\\ HTTP/1.1\r\nHost: x\r\n\r\n",
    b"GET /\x1b[2J HTTP/1.1\r\nHost: x\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: x\r\nX-Request-Id: a\nforged line\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: x\r\nX-Request-Id: a\" level=error\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: 1.2.3.4\nforged\r\n\r\n",
    b"GET /" + b"a" * 300 + b"/%0d%0aforged HTTP/1.1\r\nHost: x\r\n\r\n",
    b"FORGED\x00 / HTTP/1.1\r\nHost: x\r\n\r\n",
    b"\n\n\nforged\n\n",
    b"GET /\xe2\x80\xa8forged\xc2\x9b HTTP/1.1\r\nHost: x\r\n\r\n",
]


@pytest.mark.parametrize("form", ["json", "text"])
def test_nothing_sent_breaks_a_line(new_daemon, form):
    d = new_daemon(workers=1, log={"format": form, "level": "debug"}).start()
    for data in HOSTILE:
        ringd.raw(d.port, data, timeout=2)
    d.get("/last", x_request_id="last-one")
    wait_for("the last line", lambda: "last-one" in d.text())
    assert d.stop() == 0
    for line in d.text().split("\n")[:-1]:
        assert not re.match(r"\s*forged", line) and "\x1b" not in line and "\x00" not in line and "\u2028" not in line, line
        if form == "json":
            x = json.loads(line)
            assert x["role"] != "master" or "forged" not in line
        else:
            assert TEXT_LINE.match(line), line


def test_secrets_and_numbers_stay_out_however_much_is_said(new_daemon, pg):
    """Canaries everywhere a secret or a number can be, everything logged, in both forms."""
    for form in ("json", "text"):
        d = new_daemon(log={"format": form, "level": "debug"},
                       webhooks={"dialpad": {"secret": "canary-global-secret"}}).start()
        t = ringd.Tenant(pg.dsn(d.database), "Canary")
        token = t.path.rsplit("/", 1)[1]
        bearer = "canary-bearer-4711"
        number = "+15550142233"
        for path in ("/api/calls", f"/api/calls/{t.key}", f"/api/calls?phone_number=%2B{number[1:]}", "/api/calls?cursor=canary-cursor",
                     f"/nowhere/{t.key}", f"/api/calls/{number}", f"/api/calls/%2B{number[1:]}", f"/x?key={t.key}"):
            d.get(path, t.key, authorization=f"Bearer {bearer}", cookie="canary-cookie=1")
        ringd.request(d.port, "POST", t.path, {"x-app-api-key": t.key}, jwt(call_event(5), "canary-wrong-secret"))
        ringd.request(d.port, "POST", t.path, {"x-app-api-key": t.key}, jwt(call_event(6), t.secret))
        ringd.request(d.port, "POST", "/webhooks/dialpad", {"x-app-api-key": t.key}, jwt(call_event(7), "canary-global-secret"))
        ringd.request(d.port, "PUT", t.path, {}, "x")
        ringd.request(d.port, "POST", t.path + "x", {}, "canary-body")
        with pg.connect(d.database) as c:
            drained(c)
        d.get("/last", x_request_id="last-one")
        wait_for("the last line", lambda: "last-one" in d.text())
        assert d.stop() == 0
        text = d.text()
        assert text.count("\n") > 60, "that was to be talkative"
        for secret in (t.key, t.secret, token, bearer, "canary", number, number[1:], t.key[:-6]):
            assert secret not in text, f"{secret} stands in the log ({form})"
        assert "+1555...233" in text


def test_numbers_are_shown_when_asked_for(new_daemon):
    d = new_daemon(log={"mask_numbers": "false"}).start()
    d.get("/x/+15550142233")
    wait_for("the number", lambda: "GET /x/+15550142233 status=404" in d.text())
    d.write(log={"mask_numbers": "true"})
    d.kill(signal.SIGHUP)
    wait_for("the reload", lambda: d.status()["generation"] == 2, 20)
    d.get("/y/+15550142233")
    wait_for("the masked one", lambda: "GET /y/+1555...233 status=404" in d.text())
    assert d.stop() == 0


def debug_apps(d, after):
    return {x.get("app") for x in lines(d)[after:] if x["level"] == "debug"}


def test_one_app_s_debug_lines(daemon, acme, globex):
    """By name and by id, in every process, and no line of anybody else."""
    before = len(lines(daemon))
    shown = log(daemon, "set", "--app", "Acme", "debug", database=daemon.pg.dsn(daemon.database))
    assert shown[0] == {"module": None, "app": None, "level": "info", "until": None}
    assert shown[1] == {"module": None, "app": acme.id, "level": "debug", "until": None}
    for n in range(20):
        for t in (acme, globex):
            assert daemon.get("/api/calls?limit=1", t.key, x_request_id=f"app-{t.name}{n}").status == 200
    access_line(daemon, "app-Globex19")
    access_line(daemon, "app-Acme19")
    assert debug_apps(daemon, before) == {acme.id}
    assert len({x["pid"] for x in lines(daemon)[before:] if x["level"] == "debug"}) >= 1
    assert log(daemon, "reset", "--app", acme.id) == shown[:1]
    after = len(lines(daemon))
    for n in range(10):
        daemon.get("/api/calls?limit=1", acme.key, x_request_id=f"quiet-{n}")
    access_line(daemon, "quiet-9")
    assert debug_apps(daemon, after) == set()


def test_a_level_for_a_while_ends_by_itself(daemon, acme):
    shown = log(daemon, "set", "--app", acme.id, "--for", "4s", "debug")
    assert shown[0]["until"] is None and shown[1]["until"].startswith("20")
    daemon.get("/api/calls?limit=1", acme.key, x_request_id="while-1")
    access_line(daemon, "while-1")
    assert any(x["level"] == "debug" for x in of_request(daemon, "while-1"))
    wait_for("the end", lambda: len(log(daemon, "show")) == 1, 20)
    daemon.get("/api/calls?limit=1", acme.key, x_request_id="while-2")
    access_line(daemon, "while-2")
    assert not any(x["level"] == "debug" for x in of_request(daemon, "while-2"))


def test_who_changed_a_level_is_in_the_audit_log(daemon, pg, acme):
    dsn = pg.dsn(daemon.database)
    log(daemon, "set", "debug", "--app", acme.id, "--module", "http", "--for", "5m", database=dsn)
    log(daemon, "reset", "--app", acme.id, "--module", "http", database=dsn)
    noted = [(r["action"], json.loads(r["detail"])) for r in ringctl("audit", "show", str(uuid.UUID(int=0)), database=dsn)]
    of = {"module": "http", "app": acme.id}
    assert [x for x in noted if x[0].startswith("log.")][:2] == [("log.reset", of), ("log.set", {"level": "debug", **of, "for_ms": "300000"})]


def test_one_module_s_debug_lines(daemon, acme):
    before = len(lines(daemon))
    log(daemon, "set", "--module", "db", "debug")
    daemon.get("/api/calls?limit=1", acme.key, x_request_id="mod-1")
    access_line(daemon, "mod-1")
    wait_for("the reaper's too", lambda: {"worker", "reaper"} <= {x["role"].split()[0] for x in lines(daemon)[before:] if x["level"] == "debug"})
    assert {x["module"] for x in lines(daemon)[before:] if x["level"] == "debug"} == {"db"}
    # An app's word counts more than a module's, and both together most.
    log(daemon, "set", "--app", acme.id, "error")
    daemon.get("/api/calls?limit=1", acme.key, x_request_id="mod-2")
    daemon.get("/api/calls?limit=1", x_request_id="mod-3")
    access_line(daemon, "mod-3")
    assert not [x for x in of_request(daemon, "mod-2") if "app" in x]
    log(daemon, "set", "--module", "db", "--app", acme.id, "debug")
    daemon.get("/api/calls?limit=1", acme.key, x_request_id="mod-4")
    wait_for("its jobs", lambda: [x for x in of_request(daemon, "mod-4") if "app" in x])
    assert {x["module"] for x in of_request(daemon, "mod-4") if "app" in x} == {"db"}
    log(daemon, "reset")


def test_levels_reach_the_next_generation_and_less_is_possible_too(new_daemon):
    d = new_daemon(log={"format": "json"}).start()
    log(d, "set", "--module", "http", "warn")
    d.get("/silent", x_request_id="silent-1")
    d.kill(signal.SIGHUP)
    wait_for("the reload", lambda: d.status()["generation"] == 2, 20)
    wait_for("the old ones to go", lambda: {c["generation"] for c in d.status()["children"]} == {2}, 20)
    d.get("/silent", x_request_id="silent-2")
    assert len(log(d, "show")) == 2
    log(d, "reset", "--module", "http")
    d.get("/loud", x_request_id="loud-1")
    access_line(d, "loud-1")
    assert "silent-" not in d.text()
    assert d.stop() == 0


def test_usr1_reopens_json_too(new_daemon, base):
    folder = base / "json-logs"
    folder.mkdir()
    folder.chmod(0o777)
    file = folder / "ringd.log"
    x = new_daemon(log={"to": str(file), "format": "json"})
    x.log = file
    x.process = subprocess.Popen([str(BIN / "ringd"), "-F", "-f", str(x.config)], stderr=subprocess.DEVNULL)
    x.wait_ready()
    file.rename(folder / "ringd.log.0")
    x.kill(signal.SIGUSR1)
    wait_for("the new file", file.exists, 10)

    def both_workers_write_there():
        ringd.request(x.port, "GET", "/somewhere")
        return len({line["role"] for line in lines(x) if line["msg"] == "GET /somewhere"}) == 2
    wait_for("both workers to write there", both_workers_write_there, 20)
    assert x.stop() == 0
    for line in (folder / "ringd.log.0").read_text().splitlines():
        json.loads(line)


@pytest.mark.parametrize("body,status,says", [
    ('{"level":"debug","module":"db","for_ms":60000}', 200, None),
    ('{"level":"loud"}', 400, "level"), ('{"level":1}', 400, "level"), ("{}", 400, "level"), ('{"module":"db"}', 400, "level"),
    ('{"level":"debug","module":""}', 400, "module"), ('{"level":"debug","module":"DB"}', 400, "module"),
    ('{"level":"debug","module":"a\\nb"}', 400, "module"), ('{"level":"debug","module":"abcdefghijklmnop"}', 400, "module"),
    ('{"level":"debug","app":"x"}', 400, "app"), ('{"level":"debug","app":"00000000-0000-0000-0000-000000000000"}', 400, "app"),
    ('{"level":"debug","for_ms":0}', 400, "for_ms"), ('{"level":"debug","for_ms":604800001}', 400, "for_ms"),
    ('{"level":"debug","for_ms":"5"}', 400, "for_ms"), ('{"level":"debug","nonsense":1}', 400, "only"),
    ("[]", 400, "object"), ("nonsense", 400, "object"), ('{"level":"debug","module":{"a":[1]}}', 400, "object"),
])
def test_the_admin_route_takes_only_what_it_knows(daemon, body, status, says):
    a = daemon.admin_post("/log", body, headers={"Content-Type": "application/json"})
    assert a.status == status, a
    if says:
        assert a.json["code"] == "invalid_log_level" and says in a.json["error"]
        assert ringd.request(daemon.admin, "GET", "/log").json["data"]["overrides"] == []
    log(daemon, "reset")


def test_the_admin_route_is_not_a_form_and_not_for_the_world(daemon):
    body = '{"level":"debug"}'
    for kind in ("text/plain", "application/x-www-form-urlencoded", ""):
        assert daemon.admin_post("/log", body, headers={"Content-Type": kind}).json["code"] == "unsupported_media_type"
    assert ringd.request(daemon.port, "GET", "/log").status == 404
    assert ringd.request(daemon.port, "POST", "/log", {"Content-Type": "application/json"}, body).status == 404


def test_levels_are_bounded_in_number(daemon):
    for i in range(32):
        body = json.dumps({"level": "warn", "module": "m" + "abcdefgh"[i // 8] + "abcdefgh"[i % 8]})
        assert daemon.admin_post("/log", body, headers={"Content-Type": "application/json"}).status == 200
    a = daemon.admin_post("/log", '{"level":"warn","module":"onemore"}', headers={"Content-Type": "application/json"})
    assert a.status == 409 and a.json["code"] == "too_many_log_levels"
    assert len(log(daemon, "reset")) == 1


def test_ringctl_log_says_what_is_wrong(daemon):
    def fails(code, says, *args):
        done = subprocess.run([str(BIN / "ringctl"), "log", *args], capture_output=True, text=True, timeout=30,
                              env={**os.environ, "RINGCTL_DATABASE_URL": daemon.pg.dsn(daemon.database)})
        assert done.returncode == code and says in done.stderr and len(done.stderr.splitlines()) <= 2, done
    admin = f"127.0.0.1:{daemon.admin}"
    fails(2, "no level", "set", "--admin", admin, "loud")
    fails(2, "module", "set", "--admin", admin, "--module", "bd", "debug")
    fails(3, "no app", "set", "--admin", admin, "--app", "Nobody", "debug")
    fails(1, "does not answer", "show", "--admin", f"127.0.0.1:{ringd.free_port()}")


@pytest.mark.parametrize("kind", ["pipe", "socket"])
def test_a_log_that_nobody_reads_stops_no_service(new_daemon, kind):
    """ringd -d into a full pipe or socket: requests are answered, and lost lines are counted."""
    d = new_daemon(workers=1, log={"access": "true"})
    if kind == "pipe":
        reader, writer = os.pipe()
    else:
        a, b = socket.socketpair()
        reader, writer = os.dup(a.fileno()), os.dup(b.fileno())
        a.close()
        b.close()
    d.process = subprocess.Popen([str(BIN / "ringd"), "-d", "-f", str(d.config)], stdout=writer, stderr=writer)
    os.close(writer)
    d.wait_ready()
    began = time.monotonic()
    for n in range(3000):
        assert d.get("/x/" + "y" * 30, X_Request_Id="r" * 60 + str(n)).status == 404
    assert time.monotonic() - began < 30
    os.set_blocking(reader, False)
    got = []

    def drain():
        try:
            got.append(os.read(reader, 1 << 20))
        except BlockingIOError:
            pass
        return b"".join(got)
    wait_for("all that was kept", lambda: len(drain()) == len(drain()), 10)
    told = re.compile(rb"warn worker\[\d+\]: log lines were lost, nobody took them in time lines=(\d+)")
    counts = []

    def all_told():
        """Told in parts: whenever a line finds room again."""
        assert d.get("/x").status == 404
        lost = sum(int(n) for n in told.findall(drain()))
        counts[:] = [len(re.findall(rb"GET /x/yyy\S* status=404", drain())), lost]
        return sum(counts) >= 3000
    wait_for("all lines to be there or told as lost", all_told, 10)
    assert counts[1] > 100 and sum(counts) == 3000, counts
    assert d.stop() == 0
    os.close(reader)
