"""What the manual pages promise: every error code of ringd-api(7), every log line of ringd(8), and the examples as they are printed."""
import os
import re
import shutil
import signal
import socket
import subprocess
import time

import pytest

import ringd
from ringd import BIN, TOP, call_event, jwt, raw, ringctl, seed_signature, wait_for

API, DAEMON = TOP / "man/ringd-api.7", TOP / "man/ringd.8"


def section(page, name):
    """The source lines of a section, without its heading."""
    lines = page.read_text(encoding="utf-8").split(f"\n.Sh {name}\n", 1)[1]
    return lines.split("\n.Sh ", 1)[0]


PROMISED = {code: int(status) for status, code in re.findall(r"^\.It (\d+) Cm ([a-z_]+)$", section(API, "ERROR CODES"), re.M)}


def codes_of(part):
    """The codes of a subsection of ERROR CODES."""
    return set(re.findall(r"^\.It \d+ Cm ([a-z_]+)$", section(API, "ERROR CODES").split(f".Ss {part}\n")[1].split(".Ss ")[0], re.M))


# Said of what cannot be brought about from outside, or is tested elsewhere: no memory; the courier; the admin listener.
ELSEWHERE = {"overloaded", "courier_unavailable", "forbidden", "no_courier", "invalid_log_level", "too_many_log_levels",
             "unsupported_media_type", "invalid_password"} | codes_of("Placing a call") | codes_of("The call ribbon")
# Which those two subsections' codes are tested in.
THERE = {"Placing a call": ["test_dial.py"], "The call ribbon": ["test_ribbon_init.py", "test_ribbon_calls.py", "test_usage.py"]}


@pytest.fixture(scope="module")
def daemon(new_daemon):
    d = new_daemon(workers=1, http={"header_timeout": "1s", "body_timeout": "1s", "body_memory": "2M"},
                   webhooks={"dialpad": {"secret": "the-global-secret-1"}}).start()
    yield d
    code = d.stop()
    assert code == 0, f"exit {code}\n{d.text()[-3000:]}"


def http(daemon, data, timeout=5):
    """The first answer to these bytes as (status, code)."""
    got = raw(daemon.port, data, timeout)
    return int(got[9:12]), re.search(rb'"code":"([a-z_]+)"', got)[1].decode()


def head(line, *headers):
    return "\r\n".join([line + " HTTP/1.1", "Host: x", *headers, "", ""]).encode()


RAW = {
    "bad_request": b"GET / HTTP/1.1\nHost: x\n\n",
    "not_found": head("GET /nowhere", "Connection: close"),
    "method_not_allowed": head("DELETE /api/calls", "Connection: close"),
    "request_timeout": b"GET / HTTP/1.1\r\nHo",
    "body_too_large": head("POST /webhooks/dialpad", "Content-Length: 99999999"),
    "url_too_long": head("GET /" + "a" * 9000),
    "expectation_failed": head("GET /", "Expect: miracles"),
    "headers_too_large": head("GET /", "A: " + "a" * 17000),
    "not_implemented": head("BREW /"),
    "version_not_supported": b"GET / HTTP/1.2\r\nHost: x\r\n\r\n",
    "missing_api_key": head("GET /api/calls", "Connection: close"),
    "invalid_api_key": head("GET /api/calls", "Connection: close", "x-app-api-key: app_x"),
    "length_required": head("POST /webhooks/dialpad", "Connection: close"),
    "empty_delivery": head("POST /webhooks/dialpad", "Connection: close", "Content-Length: 0"),
    "malformed_delivery": head("POST /webhooks/dialpad", "Connection: close", "Content-Length: 3") + b"abc",
    "unsupported_encoding": head("POST /webhooks/dialpad", "Connection: close", "Content-Length: 2", "Content-Encoding: gzip") + b"{}",
    "return_to_not_allowed": head("POST /auth/dialpad/connect?return_to=x", "Connection: close", "Content-Length: 0"),
    "dialpad_not_configured": head("POST /auth/dialpad/connect", "Connection: close", "Content-Length: 0"),
    "unknown_hook": head("POST /webhooks/dialpad/hk_x", "Connection: close", "Content-Length: 2") + b"{}",
}


@pytest.mark.parametrize("code", RAW)
def test_codes_of_bytes(daemon, code):
    assert http(daemon, RAW[code]) == (PROMISED[code], code)


QUERIES = {"invalid_limit": "limit=0", "invalid_offset": "offset=x", "invalid_cursor": "cursor=AAAA", "invalid_parameter": "status=x",
           "unknown_parameter": "colour=x", "malformed_query": "limit=%zz"}


@pytest.mark.parametrize("code", QUERIES)
def test_codes_of_parameters(daemon, acme, code):
    a = daemon.get("/api/calls?" + QUERIES[code], acme.key)
    assert (a.status, a.json["code"]) == (PROMISED[code], code)


def code_of(answer):
    return answer.status, answer.json["code"]


def test_codes_of_keys_and_apps(daemon, pg, acme):
    dsn = pg.dsn(daemon.database)
    dial = ringctl("key", "create", acme.id, "--scopes", "dial", database=dsn)["api_key"]
    assert code_of(daemon.get("/api/calls", dial)) == (PROMISED["missing_scope"], "missing_scope")
    assert code_of(daemon.get("/api/calls/nothing", acme.key)) == (PROMISED["call_not_found"], "call_not_found")
    ringctl("app", "disable", acme.id, database=dsn)
    try:
        assert code_of(daemon.get("/api/calls", acme.key)) == (PROMISED["app_inactive"], "app_inactive")
    finally:
        ringctl("app", "enable", acme.id, database=dsn)


def test_codes_of_deliveries(daemon, db, acme):
    def sent(text, secret=acme.secret):
        return code_of(daemon.post(acme.path, text, {"x-dialpad-signature": seed_signature(text, secret)}))
    assert sent("{}", "another") == (PROMISED["invalid_signature"], "invalid_signature")
    assert sent("{") == (PROMISED["invalid_json"], "invalid_json")
    assert sent("[" * 65 + "]" * 65) == (PROMISED["json_too_complex"], "json_too_complex")
    db.cursor().execute("ALTER TABLE webhook_events ADD CONSTRAINT refused CHECK (leg_id IS DISTINCT FROM '666666')")
    try:
        assert sent('{"call_id":666666,"state":"ringing"}') == (PROMISED["event_refused"], "event_refused")
    finally:
        db.cursor().execute("ALTER TABLE webhook_events DROP CONSTRAINT refused")
    assert "event refused by the database error=" in daemon.text()


def test_codes_of_exotels_deliveries(daemon, pg, acme):
    made = ringctl("hook", "create", acme.id, "--provider", "exotel", "--basic", database=pg.dsn(daemon.database))
    a = daemon.post(made["url"][made["url"].index("/webhooks"):], "CallSid=1")
    assert code_of(a) == (PROMISED["invalid_password"], "invalid_password")


def test_codes_of_bodies_under_way(daemon):
    held = []
    for _ in range(2):
        s = socket.create_connection(("127.0.0.1", daemon.port), timeout=5)
        s.sendall(head("POST /webhooks/dialpad", "Content-Length: 1000000") + b"x")
        held.append(s)
    try:
        # The two are read in order of arrival, but by whom first is not ours to say: asked until they are counted.
        wait_for("both to be counted", lambda: http(daemon, head("POST /webhooks/dialpad", "Content-Length: 1000000", "Connection: close") + b"x")
                 == (PROMISED["unavailable"], "unavailable"), 5)
    finally:
        for s in held:
            s.close()


def test_codes_of_limits(new_daemon, pg):
    d = new_daemon(workers=1, limits={"requests": 1, "failures_per_address": 1}).start()
    key = ringctl("app", "create", "Limited", database=pg.dsn(d.database))["api_key"]
    assert [d.get("/api/calls", k).status for k in (key, None)] == [200, 401]
    one_more, unknown = d.get("/api/calls", key), d.get("/api/calls")
    assert code_of(one_more) == (PROMISED["rate_limited"], "rate_limited")
    assert code_of(unknown) == (PROMISED["too_many_failures"], "too_many_failures")
    assert all(int(a.headers["retry-after"]) > 0 for a in (one_more, unknown))
    assert d.stop() == 0


def test_codes_of_the_database(daemon, db, acme):
    with db.cursor() as c:
        c.execute("""INSERT INTO calls (app_id, id, provider, provider_call_id, status, started_at, custom_data)
                     SELECT %s, gen_random_uuid(), 'dialpad', 'large' || i, 'ended', now(), repeat('x', 60000) FROM generate_series(1, 180) i""", (acme.id,))
    assert code_of(daemon.get("/api/calls?limit=180", acme.key)) == (PROMISED["answer_too_large"], "answer_too_large")
    assert len(daemon.get("/api/calls?limit=10", acme.key).json["data"]) == 10
    db.cursor().execute("ALTER TABLE calls RENAME COLUMN custom_data TO moved")
    try:
        assert code_of(daemon.get("/api/calls?direction=inbound", acme.key)) == (PROMISED["internal_error"], "internal_error")
    finally:
        db.cursor().execute("ALTER TABLE calls RENAME COLUMN moved TO custom_data")
    assert "statement failed error=" in daemon.text()
    with db.cursor() as c:
        c.execute("BEGIN; LOCK TABLE calls")
        try:
            a = daemon.get("/api/calls", acme.key)
            assert code_of(a) == (PROMISED["database_unavailable"], "database_unavailable") and int(a.headers["retry-after"]) > 0
        finally:
            c.execute("ROLLBACK")


def test_no_code_is_promised_that_is_not_tested_here():
    here = open(__file__, encoding="utf-8").read()
    tested = set(RAW) | set(QUERIES) | set(re.findall(r'PROMISED\["([a-z_]+)"\]', here))
    assert set(PROMISED) == tested | ELSEWHERE


@pytest.mark.parametrize("part", THERE)
def test_codes_of_a_journey_are_in_its_tests(part):
    tests = "".join((TOP / "tests/e2e" / name).read_text(encoding="utf-8") for name in THERE[part])
    assert {c for c in codes_of(part) if f'"{c}"' not in tests} == set()


def test_problem_json_has_what_the_page_says(daemon):
    a = daemon.get("/api/calls", accept="application/problem+json")
    assert a.headers["content-type"] == "application/problem+json"
    assert set(a.json) == {"type", "title", "status", "detail", "code", "request_id"} and a.json["request_id"] == a.headers["x-request-id"]


# ---- log lines


def logged(d, line, seconds=20):
    wait_for(f"the log line {line!r}", lambda: line in d.text(), seconds)


def test_lines_of_starts_and_reloads(new_daemon, db, acme):
    d = new_daemon(workers=1, reaper={"max_attempts": "1", "poll": "200ms"}, http={"connections": "3", "drain_timeout": "100ms"})
    d.start(environment={"RINGD_TEST_CLOCK_OFFSET_MS": "1500"})
    for line in ("database ready endpoint=", "the clock is shifted by 1500 ms"):
        logged(d, line)
    second = subprocess.run([str(BIN / "ringd"), "-d", "-f", str(d.config)], capture_output=True, text=True, timeout=20, check=False)
    assert second.returncode == 1 and "already running, pid " in second.stderr
    os.kill(d.pids("worker")[0], signal.SIGKILL)
    logged(d, "child ended, started again")
    d.wait_ready()
    good = d.config.read_text()
    d.config.write_text(good + "nonsense: 1\n")
    d.kill(signal.SIGHUP)
    logged(d, "reload failed reason=")
    d.config.write_text(good)
    d.kill(signal.SIGHUP)
    logged(d, "now serving serving=")
    wait_for("the old generation to be gone", lambda: len(d.status()["children"]) == 2, 20)
    held = [socket.create_connection(("127.0.0.1", d.port), timeout=5) for _ in range(4)]
    logged(d, "accepting paused reason=")
    for s in held[1:]:
        s.close()
    # A request under way, kept there by a lock, and too short a time to drain.
    tenant = ringd.Tenant(d.pg.dsn(d.database), "Slow")
    with d.pg.connect(d.database) as c:
        c.cursor().execute("BEGIN; LOCK TABLE calls")
        wait_for("room", lambda: d.get("/x").status == 404, 10)
        held[0].sendall(head("GET /api/calls", f"x-app-api-key: {tenant.key}"))
        time.sleep(0.3)
        assert d.stop() == 0
    held[0].close()
    assert "drain: connections closed unfinished connections=1 with_a_request=1" in d.text()


def test_lines_of_the_reaper(new_daemon, pg):
    d = new_daemon(workers=1, reaper={"max_attempts": "1", "poll": "200ms"}).start()
    tenant = ringd.Tenant(pg.dsn(d.database), "Poison")
    with pg.connect(d.database) as c:
        c.cursor().execute("ALTER TABLE calls ADD CONSTRAINT poison CHECK (from_number <> '+15550006666')")
    assert d.post(tenant.path, jwt(call_event(1, external_number="+15550006666"), tenant.secret)).status == 200
    logged(d, "event given up event=")
    assert d.stop() == 0


def test_lines_of_deliveries(new_daemon, pg):
    d = new_daemon(workers=1, webhooks={"secret_trials": "1", "dialpad": {"secret": "the-global-secret-1"}}).start()
    tenants = [ringd.Tenant(pg.dsn(d.database), f"T{n}") for n in range(3)]
    wait_for("the hooks to be known", lambda: d.post(tenants[2].path, jwt(call_event(1), tenants[2].secret)).status == 200, 10)
    assert d.post("/webhooks/dialpad", jwt(call_event(2), "nobody")).status == 503
    logged(d, "delivery without hook token: not every hook's secret could be tried")
    assert d.post("/webhooks/dialpad", jwt(call_event(3), "the-global-secret-1")).status == 200
    logged(d, "event without a tenant")
    assert d.stop() == 0


def test_lines_of_the_database(new_daemon, pg, new_database):
    name = new_database()
    with pg.connect(name) as c:
        c.cursor().execute("INSERT INTO schema_version (version, name) VALUES (99, 'from the future')")
    d = new_daemon(name, workers=1, database_keys={"reconnect_max": "300ms"})
    d.start(ready=False)
    logged(d, "database refused reason=")
    with pg.connect(name) as c:
        c.cursor().execute("DELETE FROM schema_version WHERE version = 99")
    logged(d, "database ready endpoint=")
    with pg.connect("postgres", "postgres") as c:
        c.cursor().execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false")
        c.cursor().execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", (name,))
        logged(d, "database away reason=")
        c.cursor().execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS true")
    d.wait_ready()
    assert d.stop() == 0


def test_lines_of_the_proxy_protocol(new_daemon):
    port = ringd.free_port()
    listen = f"\n  - address: 127.0.0.1:{port}\n    proxy_protocol: true"
    d = new_daemon(workers=1, listen=listen).start()
    assert raw(port, b"GET / HTTP/1.1\r\n", 5) == b""
    logged(d, 'connection closed: no good PROXY header reason="it did not begin with a valid PROXY header" client=127.0.0.1')
    d.write(proxy={"trusted": "[192.0.2.1]"})
    d.kill(signal.SIGHUP)
    wait_for("the new rule", lambda: raw(port, b"PROXY UNKNOWN\r\nGET / HTTP/1.1\r\n\r\n", 5) == b"", 20)
    logged(d, 'connection closed: no good PROXY header reason="a PROXY header is taken from proxy.trusted only" client=127.0.0.1')
    assert d.stop() == 0


# ---- examples


def commands(page):
    """What stands behind the prompts of a page's EXAMPLES, as one would type it: [(command, …)]."""
    out = []
    for block in re.findall(r"^\.Bd[^\n]*\n(.*?)^\.Ed", section(page, "EXAMPLES"), re.M | re.S):
        lines = block.replace("\\e", "\\").replace("\\&", "").splitlines()
        script = "\n".join(line[2:] if line.startswith("$ ") else line for line in lines)
        if lines[0].startswith("$ "):
            out.append(script)
    return out


@pytest.mark.skipif(not all(map(shutil.which, ("curl", "jq", "openssl"))), reason="needs curl, jq and openssl")
@pytest.mark.parametrize("n", range(len(commands(API))))
def test_examples_of_the_api(daemon, db, acme, n):
    """Each runs as printed, with the variables of quickstart's .demo/env."""
    script = commands(API)[n]
    base_url = f"http://127.0.0.1:{daemon.port}"
    with db.cursor() as c:
        c.execute("DELETE FROM calls")
        c.execute("""INSERT INTO calls (app_id, id, provider, provider_call_id, status, started_at, from_number)
                     SELECT %s, gen_random_uuid(), 'dialpad', i::text, CASE WHEN i = 1 THEN 'ringing' ELSE 'ended' END,
                     timestamptz '2026-01-15' - i * interval '1 s', '+15550142233' FROM generate_series(1, 450) i""", (acme.id,))
    done = subprocess.run(["sh", "-eu", "-c", script], capture_output=True, text=True, timeout=60, check=False, env={
        **os.environ, "BASE_URL": base_url, "API_KEY": acme.key, "HOOK_URL": base_url + acme.path, "HOOK_SECRET": acme.secret})
    assert done.returncode == 0 and not done.stderr, done
    if "jq -c" in script:
        assert len(done.stdout.splitlines()) == 449
    elif "problem" in script:
        assert '"status":401' in done.stdout
    elif "/active" in script:
        assert done.stdout.count('"status":"ringing"') == 1
    else:
        assert done.stdout.startswith('{"success":true') and ('"total":450' in done.stdout or '"event_id"' in done.stdout), done.stdout
