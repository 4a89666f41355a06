"""The courier: its line to the workers, its life and death, who holds the master key, and its manners towards providers."""
import http.client
import os
import pathlib
import pwd
import re
import signal
import socket
import subprocess
import threading
import time

import pytest

import provider
import ringd
import sealing
from ringd import BIN, call_event, jwt, request, wait_for

ROOT = pytest.mark.skipif(os.getuid() != 0, reason="needs root")


def key_file(folder, ring=None, **more):
    """A key ring in a folder that the daemon can enter; its owner is who runs the test."""
    return sealing.write_ring(folder / "keys", ring or {1: os.urandom(32)}, **more)


@pytest.fixture
def new_courier(new_daemon, base):
    """A daemon (not started) with a courier."""
    made = []

    def make(ring=None, courier=None, **more):
        d = new_daemon(courier={}, **more)
        d.keys = key_file(d.base, ring)
        d.write(courier={"key_file": str(d.keys), **(courier or {})})
        made.append(d)
        return d
    yield make
    for d in made:
        if d.process and d.process.poll() is None:
            d.stop()


@pytest.fixture
def d(new_courier):
    return new_courier().start()


def courier(d):
    return request(d.admin, "GET", "/courier")


# ---- the line


def test_every_worker_has_a_line(d):
    pids = set()
    for _ in range(40):
        a = courier(d)
        assert a.status == 200, a
        assert a.json["data"]["workers"] == 2 and a.json["data"]["keys"] == [1] and a.json["data"]["newest"] == 1
        pids.add(a.json["data"]["generation"])
    assert pids == {1}
    child = [c for c in d.status()["children"] if c["role"] == "courier"][0]
    assert child["db"] == "up" and child["state"] == "ready"
    shown = subprocess.run([str(BIN / "ringctl"), "-f", str(d.config), "status"], capture_output=True, text=True, timeout=20)
    assert shown.returncode == 0 and re.search(r"^courier ", shown.stdout, re.M), shown


def test_many_at_once(d):
    answers = []

    def ask():
        c = http.client.HTTPConnection("127.0.0.1", d.admin, timeout=20)
        for _ in range(50):
            c.request("GET", "/courier")
            r = c.getresponse()
            r.read()
            answers.append(r.status)
        c.close()
    threads = [threading.Thread(target=ask) for _ in range(8)]
    for t in threads:
        t.start()
    for t in threads:
        t.join(30)
    assert answers == [200] * 400


def test_without_a_key_file_there_is_none(daemon):
    a = courier(daemon)
    assert a.status == 404 and a.json["code"] == "no_courier"
    assert not [c for c in daemon.status()["children"] if c["role"] == "courier"]
    assert "courier" not in request(daemon.admin, "GET", "/health/ready").body.decode()


@pytest.mark.parametrize("path", ["/keyring?x=1", "/keyring/rekey?after=nonsense", "/keyring/rekey?after=a&after=b",
                                  "/keyring/rekey?after=dialpad_connections.access_token+x+y", "/keyring/rekey?after=%zz",
                                  "/courier/probe?provider=evil", "/courier/probe?host=evil"])
def test_bad_questions_are_400(d, path):
    a = request(d.admin, "GET" if path == "/keyring?x=1" else "POST", path)
    assert a.status == (200 if path == "/keyring?x=1" else 400), a


# ---- its death and overload


def test_a_killed_courier_is_503_on_its_routes_alone(d, pg):
    t = ringd.Tenant(pg.dsn(d.database), "Lives on")
    (victim,) = d.pids("courier")
    os.kill(victim, signal.SIGKILL)
    away = wait_for("a 503", lambda: (lambda a: a if a.status == 503 else None)(courier(d)), 5)
    assert away.json["code"] == "courier_unavailable" and away.headers["retry-after"] == "2"
    for n in range(20):
        assert d.post(t.path, jwt(call_event(7000 + n), t.secret)).status == 200
        assert d.get("/api/calls/active", t.key).status == 200
    ready = request(d.admin, "GET", "/health/ready")
    assert ready.status == 200 and "courier is not at work" in ready.body.decode()
    wait_for("its successor", lambda: courier(d).status == 200, 15)
    assert d.pids("courier") != [victim]
    wait_for("every line", lambda: courier(d).json["data"]["workers"] == 2, 5)
    wait_for("health to say so", lambda: "courier" not in request(d.admin, "GET", "/health/ready").body.decode(), 5)


def test_it_comes_back_every_time(d):
    for _ in range(3):
        os.kill(wait_for("a courier", lambda: d.pids("courier"), 20)[0], signal.SIGKILL)
        wait_for("it to be gone", lambda: not d.pids("courier"), 5)
    wait_for("a courier that answers", lambda: courier(d).status == 200, 20)
    assert len(d.pids("worker")) == 2


def test_a_killed_worker_finds_the_courier_again(d):
    for pid in d.pids("worker"):
        os.kill(pid, signal.SIGKILL)
    wait_for("both lines again", lambda: len(d.pids("worker")) == 2 and courier(d).json.get("data", {}).get("workers") == 2, 20)


def test_a_courier_that_hangs_is_a_503_in_time(new_courier, pg):
    d = new_courier(database_keys={"job_timeout": "500ms", "statement_timeout": "400ms"}).start()
    t = ringd.Tenant(pg.dsn(d.database), "Hung")
    (pid,) = d.pids("courier")
    os.kill(pid, signal.SIGSTOP)
    try:
        began = time.monotonic()
        a = courier(d)
        assert a.status == 503 and a.json["code"] == "courier_unavailable"
        assert 1 < time.monotonic() - began < 5
        assert d.get("/api/calls/active", t.key).status == 200
    finally:
        os.kill(pid, signal.SIGCONT)
    wait_for("it to answer", lambda: courier(d).status == 200, 10)


def test_questions_beyond_the_limit_are_refused_and_the_rest_answered(new_courier):
    """A courier that stands still: the workers keep a bounded number of questions, and refuse the next ones at once."""
    d = new_courier(workers=1, database_keys={"job_timeout": "4s"}).start()
    (pid,) = d.pids("courier")
    statuses, took = [], []

    def ask():
        began = time.monotonic()
        statuses.append(courier(d).status)
        took.append(time.monotonic() - began)
    os.kill(pid, signal.SIGSTOP)
    try:
        threads = [threading.Thread(target=ask) for _ in range(300)]
        for t in threads:
            t.start()
        wait_for("the first refusals", lambda: 503 in statuses, 4)
        assert min(took) < 3, "a refusal waited for the deadline"
    finally:
        os.kill(pid, signal.SIGCONT)
    for t in threads:
        t.join(20)
    assert set(statuses) == {200, 503} and statuses.count(200) >= 200, (statuses.count(200), statuses.count(503))


def test_a_database_that_refuses_the_courier_is_said(new_courier, pg):
    d = new_courier(database_keys={"reconnect_max": "300ms"})
    with pg.connect("postgres", "postgres") as c, c.cursor() as q:
        q.execute(f"GRANT CONNECT ON DATABASE {d.database} TO ringd_worker, ringd_reaper")
        q.execute(f"REVOKE CONNECT ON DATABASE {d.database} FROM PUBLIC")
        d.start(ready=False)
        wait_for("the workers", lambda: "database ready" in d.text() and "database away" in d.text(), 20)
        wait_for("an answer", lambda: courier(d).status == 200, 10)
        a = request(d.admin, "GET", "/keyring")
        assert a.status == 503 and a.json["code"] == "database_unavailable", a
        q.execute(f"GRANT CONNECT ON DATABASE {d.database} TO ringd_courier")
    wait_for("the database", lambda: request(d.admin, "GET", "/keyring").status == 200, 20)


# ---- the master key


@pytest.mark.parametrize("mode", [0o600, 0o440, 0o404, 0o644, 0o500, 0o4400])
def test_a_key_file_that_is_wider_is_refused(new_courier, mode):
    d = new_courier()
    d.keys.chmod(mode)
    d.start(ready=False)
    assert d.process.wait(15) == 2
    assert f"{d.keys}: mode {mode:04o} is wider than 0400" in d.text(), d.text()


@pytest.mark.parametrize("text, why", [
    ("", "there is no key in it"), ("1:canary:2026-11-26T21:14:43Z\n", ":1: expected 64 hexadecimal digits"),
    ("# ok\n1:" + "ab" * 32 + ":2026-11-26T21:14:43Z\n1:" + "cd" * 32 + ":2026-11-26T21:14:43Z\n", ":3: the id 1 is there already"),
])
def test_a_malformed_key_file_is_refused_without_a_word_of_it(new_courier, text, why):
    d = new_courier()
    d.keys.unlink()
    d.keys.write_text(text)
    d.keys.chmod(0o400)
    d.start(ready=False)
    assert d.process.wait(15) == 2
    assert str(d.keys) in d.text() and why in d.text()
    assert not any(secret in d.text() for secret in ("canary", "abab", "cdcd"))
    done = subprocess.run([str(BIN / "ringd"), "-n", "-f", str(d.config)], capture_output=True, text=True, timeout=20)
    assert done.returncode == 2 and why in done.stderr


def test_other_files_are_no_key_file(new_courier):
    d = new_courier()
    fifo = d.base / "fifo"
    os.mkfifo(fifo, 0o400)
    for path, why in ((d.base / "nothing", "No such file"), (d.base, "is not a regular file"), (fifo, "is not a regular file")):
        d.write(courier={"key_file": str(path)})
        done = subprocess.run([str(BIN / "ringd"), "-n", "-f", str(d.config)], capture_output=True, text=True, timeout=20)
        assert done.returncode == 2 and str(path) in done.stderr and why in done.stderr, done


@ROOT
def test_a_strangers_key_file_is_refused(new_courier):
    d = new_courier()
    os.chown(d.keys, pwd.getpwnam("postgres").pw_uid, 0)
    done = subprocess.run([str(BIN / "ringd"), "-n", "-f", str(d.config)], capture_output=True, text=True, timeout=20)
    assert done.returncode == 2 and "belongs to somebody else" in done.stderr


def test_a_reload_reads_the_key_file_again(d):
    ring = sealing.read_ring(d.keys)
    sealing.write_ring(d.keys, {**ring, 5: os.urandom(32)})
    os.kill(d.pids("courier")[0], signal.SIGKILL)
    wait_for("a successor", lambda: courier(d).status == 200, 15)
    assert courier(d).json["data"]["keys"] == [1]       # of the same generation: the ring it was started with
    d.kill(signal.SIGHUP)
    wait_for("the next generation", lambda: d.status()["generation"] == 2, 20)
    wait_for("its ring", lambda: courier(d).json.get("data", {}).get("keys") == [1, 5], 10)
    assert courier(d).json["data"]["newest"] == 5
    d.keys.chmod(0o444)
    d.kill(signal.SIGHUP)
    wait_for("the reason", lambda: "reload failed" in d.text(), 20)
    assert f"{d.keys}: mode 0444 is wider than 0400" in d.text()
    assert d.status()["generation"] == 2 and courier(d).json["data"]["keys"] == [1, 5]


def test_a_reload_adds_and_removes_the_courier(new_courier):
    d = new_courier()
    with_courier = d.config.read_text()
    d.write(courier={})
    d.config.write_text(d.config.read_text().replace("courier:\n", ""))
    d.start()
    assert courier(d).status == 404
    d.config.write_text(with_courier)
    d.kill(signal.SIGHUP)
    wait_for("a courier", lambda: courier(d).status == 200, 20)
    d.write(courier={})
    d.config.write_text(d.config.read_text().replace("courier:\n", ""))
    d.kill(signal.SIGHUP)
    wait_for("none", lambda: courier(d).status == 404, 20)
    wait_for("the old one to be gone", lambda: {c["generation"] for c in d.status()["children"]} == {3}, 15)
    assert not d.pids("courier")


def holds(pid, needles):
    """Which of the needles stand in what a process can write to: its heap, stack and data."""
    found = set()
    with open(f"/proc/{pid}/maps", encoding="ascii") as maps, open(f"/proc/{pid}/mem", "rb", buffering=0) as mem:
        for line in maps:
            where, mode = line.split()[:2]
            if "w" not in mode:
                continue
            start, end = (int(x, 16) for x in where.split("-"))
            try:
                mem.seek(start)
                data = mem.read(end - start)
            except (OSError, ValueError):
                continue
            found |= {n for n in needles if n in data}
    return found


@ROOT
def test_the_master_key_is_in_no_worker_and_no_reaper(new_courier, pg):
    ring = {1: os.urandom(32), 2: os.urandom(32)}
    d = new_courier(ring).start()
    t = ringd.Tenant(pg.dsn(d.database), "Canary")
    assert d.post(t.path, jwt(call_event(1), t.secret)).status == 200
    d.kill(signal.SIGHUP)
    wait_for("generation 2", lambda: d.status()["generation"] == 2 and courier(d).status == 200, 20)
    os.kill(d.pids("worker")[0], signal.SIGKILL)        # one that is forked while two generations are known
    wait_for("two workers", lambda: len(d.pids("worker")) == 2, 20)
    needles = [v for k in ring.values() for v in (k, k.hex().encode())]
    assert len(holds(d.pids("courier")[0], needles)) >= 2, "the test itself does not find what is there"
    assert holds(d.process.pid, needles)                # for the next courier
    for child in d.status()["children"]:
        if child["role"] != "courier":
            assert not holds(child["pid"], needles), child
    assert not any(n.decode("latin1") in d.text() for n in needles)


@ROOT
def test_the_courier_has_dropped_everything(d):
    (pid,) = d.pids("courier")
    who = pwd.getpwnam("postgres")
    fields = dict(line.split(":", 1) for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines() if ":" in line)
    assert set(fields["Uid"].split()) == {str(who.pw_uid)} and int(fields["CapEff"], 16) == 0
    limits = pathlib.Path(f"/proc/{pid}/limits").read_text()
    assert re.search(r"Max core file size +0 +0 ", limits)
    assert re.search(r"Max core file size +0 +0 ", pathlib.Path(f"/proc/{d.process.pid}/limits").read_text())
    inodes = {os.readlink(p)[8:-1] for p in pathlib.Path(f"/proc/{pid}/fd").iterdir() if os.readlink(p).startswith("socket:[")}
    listening = {line.split()[9] for line in pathlib.Path("/proc/net/tcp").read_text().splitlines()[1:] if line.split()[3] == "0A"}
    assert not inodes & listening


# ---- providers


@pytest.fixture(scope="module")
def authority(base):
    return provider.Authority(base / "authority")


@pytest.fixture
def play(authority, new_courier):
    """A provider and a daemon that speaks to it."""
    made = []

    def make(tls=None, answer=None, plain=False, environment=None, **keys):
        p = provider.Provider(None if plain else tls or authority.issue("good"))
        made.append(p)
        if answer:
            p.answer = answer
        d = new_courier(courier={"ca_file": str(authority.ca_file), "allow_private": "true", **keys}, workers=1,
                        dialpad={"base_url": p.base_url})
        d.start(environment=environment)
        return d, p
    yield make
    for p in made:
        p.close()


def probe(d, timeout=60):
    a = request(d.admin, "POST", "/courier/probe", timeout=timeout)
    assert a.status == 200, a
    return a.json["data"]


def test_a_good_provider_is_reached_and_its_connection_kept(play):
    d, p = play()
    a = probe(d)
    assert (a["outcome"], a["status"], a["connection_reused"], a["address"], a["tries"]) == ("answered", 401, False, "127.0.0.1", 1)
    for _ in range(5):
        assert probe(d)["connection_reused"] is True
    assert p.connections == 1 and len(p.requests) == 6
    method, path, headers = p.requests[0]
    assert (method, path) == ("GET", "/api/v2/users/me")
    assert "Authorization" not in headers and "Cookie" not in headers
    assert courier(d).json["data"]["provider_requests_reused"] == 5
    done = subprocess.run([str(BIN / "ringctl"), "-f", str(d.config), "courier", "probe"], capture_output=True, text=True, timeout=20)
    assert done.returncode == 0 and "answered" in done.stdout and "401" in done.stdout, done


@pytest.mark.parametrize("kind", ["another authority", "another host", "expired"])
def test_a_bad_certificate_ends_it_before_a_byte(play, authority, base, kind):
    tls = {"another authority": lambda: provider.Authority(base / "stranger").issue("x"),
           "another host": lambda: authority.issue("other", host="dialpad.example"),
           "expired": lambda: authority.issue("expired", days=-1)}[kind]()
    d, p = play(tls)
    a = probe(d)
    assert a["outcome"] == "untrusted" and a["why"] and a["status"] is None and a["tries"] == 1, a
    assert p.requests == []
    done = subprocess.run([str(BIN / "ringctl"), "-f", str(d.config), "courier", "probe"], capture_output=True, text=True, timeout=20)
    assert done.returncode == 1 and "untrusted" in done.stdout, done


def test_a_private_address_is_not_even_connected_to(play):
    d, p = play(allow_private="false")
    a = probe(d)
    assert a["outcome"] == "private_address" and "allow_private" in a["why"], a
    assert p.connections == 0


def test_a_redirect_is_an_answer_and_not_followed(play):
    d, p = play(answer=lambda h: provider.send(h, 302, Location=f"http://localhost:{h.server.server_address[1]}/elsewhere"))
    a = probe(d)
    assert (a["outcome"], a["status"]) == ("answered", 302)
    assert [r[1] for r in p.requests] == ["/api/v2/users/me"]


@pytest.mark.parametrize("answer", [provider.slowly(20), provider.after(20)])
def test_a_slow_answer_is_cut(play, answer):
    d, _ = play(answer=answer, timeout="1s", connect_timeout="1s")
    began = time.monotonic()
    a = probe(d)
    assert a["outcome"] == "timeout", a
    assert 0.8 < time.monotonic() - began < 4


@pytest.mark.parametrize("answer", [provider.large(100000, False), provider.large(100000, True), provider.large_head])
def test_a_large_answer_is_cut(play, answer):
    d, _ = play(answer=answer, body_bytes="64K")
    a = probe(d)
    assert a["outcome"] == "too_large" and a["tries"] == 1, a


@pytest.mark.parametrize("answer", [provider.cut, provider.no_http])
def test_a_broken_answer_is_tried_again_and_told(play, answer):
    d, p = play(answer=answer, timeout="3s", connect_timeout="1s")
    a = probe(d)
    assert a["outcome"] == "broken" and a["tries"] > 1, a
    assert len(p.requests) == a["tries"]
    p.answer = provider.unauthorized
    assert probe(d)["outcome"] == "answered"


def test_what_passes_is_tried_again(play):
    d, p = play(answer=provider.first([provider.status(500), provider.status(502)]))
    a = probe(d)
    assert (a["status"], a["tries"]) == (401, 3)
    gaps = [b - a for a, b in zip(p.times, p.times[1:])]
    assert 0.1 <= gaps[0] < 1 and 0.2 <= gaps[1] < 1.5, gaps


@pytest.mark.parametrize("code", [429, 503])
def test_retry_after_is_obeyed(play, code):
    d, p = play(answer=provider.first([provider.status(code, Retry_After="2")]))
    a = probe(d)
    assert (a["status"], a["tries"]) == (401, 2)
    assert 2 <= p.times[1] - p.times[0] < 4


def test_a_long_pause_is_told_and_kept(play):
    d, p = play(answer=provider.first([provider.status(429, Retry_After="60")]))
    a = probe(d)
    assert (a["outcome"], a["status"], a["tries"]) == ("answered", 429, 1)
    for _ in range(3):
        a = probe(d)
        assert a["outcome"] == "waiting" and 50000 < a["wait_ms"] <= 60000 and a["status"] is None, a
    assert len(p.requests) == 1


def test_no_second_holds_more_than_a_company_may(play):
    d, p = play(timeout="20s")
    outcomes = []

    def ask():
        outcomes.append(probe(d)["outcome"])
    threads = [threading.Thread(target=ask) for _ in range(50)]
    for t in threads:
        t.start()
    for t in threads:
        t.join(40)
    assert outcomes == ["answered"] * 50
    times = sorted(p.times)
    # Measured here, at the far end: the margin that is kept allows for the way.
    assert all(times[i + 20] - times[i] >= 1.0 for i in range(len(times) - 20)), [times[i + 20] - times[i] for i in range(30)]
    assert times[-1] - times[0] < 6


def test_proxies_of_the_environment_are_not_used(play):
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        s.listen()
        s.settimeout(0.2)
        url = f"http://127.0.0.1:{s.getsockname()[1]}"
        d, _ = play(environment={"https_proxy": url, "HTTPS_PROXY": url, "ALL_PROXY": url, "all_proxy": url})
        assert probe(d)["outcome"] == "answered"
        with pytest.raises(socket.timeout):
            s.accept()


def test_nobody_there(new_courier, authority):
    d = new_courier(courier={"ca_file": str(authority.ca_file), "allow_private": "true", "timeout": "2s", "connect_timeout": "1s"},
                    dialpad={"base_url": f"https://localhost:{ringd.free_port()}"}).start()
    a = probe(d)
    assert a["outcome"] == "unreachable" and a["tries"] > 1, a
    d.write(dialpad={"base_url": "https://no-such-host.invalid"})
    d.kill(signal.SIGHUP)
    wait_for("generation 2", lambda: d.status()["generation"] == 2 and courier(d).status == 200, 20)
    assert probe(d)["outcome"] in ("unreachable", "timeout")


def test_plain_http_is_for_loopback_only(play, new_courier):
    d, _ = play(plain=True)
    assert probe(d)["outcome"] == "answered"
    for url in ("http://dialpad.com", "http://192.0.2.1", "https://dialpad.com/api", "dialpad.com", "https://u:p@dialpad.com"):
        d.write(dialpad={"base_url": url})
        done = subprocess.run([str(BIN / "ringd"), "-n", "-f", str(d.config)], capture_output=True, text=True, timeout=20)
        assert done.returncode == 2 and "dialpad.base_url" in done.stderr, (url, done)


def test_a_stop_waits_for_the_request_under_way(play):
    d, p = play(answer=provider.after(1.5))
    answers = []
    t = threading.Thread(target=lambda: answers.append(probe(d)))
    t.start()
    wait_for("the request to be there", lambda: p.requests, 10)
    d.kill(signal.SIGTERM)
    t.join(15)
    assert answers and answers[0]["status"] == 401
    assert d.process.wait(15) == 0


def test_a_reload_waits_for_the_request_under_way(play):
    d, p = play(answer=provider.after(2))
    answers = []
    t = threading.Thread(target=lambda: answers.append(probe(d)))
    t.start()
    wait_for("the request to be there", lambda: p.requests, 10)
    d.kill(signal.SIGHUP)
    t.join(15)
    assert answers and answers[0]["status"] == 401
    wait_for("the old generation to be gone", lambda: {c["generation"] for c in d.status()["children"]} == {2}, 15)
