"""What a reload tells, and to whom: ringctl, /status, the service manager, the log. And that it changes nothing when it fails."""
import http.client
import os
import pathlib
import signal
import socket
import subprocess
import time

import pytest

import ringd
from ringd import BIN, call_event, jwt, ringctl, wait_for


@pytest.fixture
def d(new_daemon):
    x = new_daemon(http={"drain_timeout": "8s"}, database_keys={"connect_timeout": "2s"}).start()
    yield x
    x.stop_master()


class Manager:
    """What systemd would hear."""

    def __init__(self, base):
        self.path = str(base / f"notify-{time.monotonic_ns()}")
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(self.path)
        os.chmod(self.path, 0o777)
        self.socket.setblocking(False)
        self.heard = []

    def listen(self):
        while True:
            try:
                self.heard.append(self.socket.recv(4096).decode())
            except BlockingIOError:
                return self.heard

    def wait(self, what, seconds=20):
        return wait_for(f"the manager to hear {what}", lambda: next((x for x in self.listen() if what in x), None), seconds)


def reload(d, *args):
    return ringctl("reload", *args, config=d.config, check=False)


def text(d, *args):
    return subprocess.run([str(BIN / "ringctl"), "-f", str(d.config), *args], capture_output=True, text=True, timeout=60, check=False)


def refused(d, words, before):
    """ringctl says why and exits 1; nothing has changed, and /status knows."""
    done = text(d, "reload")
    assert done.returncode == 1 and words in done.stderr and done.stdout == "", done
    after = d.status()
    assert sorted(c["pid"] for c in after["children"] if c["generation"] == before["generation"]) == \
        sorted(c["pid"] for c in before["children"])
    assert after["generation"] == before["generation"]
    last = after["last_reload"]
    assert last["ok"] is False and last["state"] == "failed" and words in last["reason"] and last["changes"] == [], last
    assert words in text(d, "status").stdout
    return last


def test_each_changed_key(d):
    assert d.status()["last_reload"] is None
    log = d.base / "elsewhere.pid"
    d.write(workers=3, http={"drain_timeout": "8s", "idle_timeout": "1m"}, log={"level": "debug"},
            webhooks={"dialpad": {"secret": "geheim-canary"}})
    d.config.write_text(d.config.read_text().replace(f"pid_file: {d.pid_file}", f"pid_file: {log}"))
    done = reload(d, "--pid-file", d.pid_file)
    assert done.returncode == 0, done.stderr
    answer = ringd.json.loads(done.stdout)
    assert set(answer["changes"]) == {f"pid_file: {d.pid_file} -> {log}, restart needed", "workers: 2 -> 3", "log.level: info -> debug",
                                      "http.idle_timeout: 75s -> 1m", "webhooks.dialpad.secret: changed"}
    assert answer["ok"] and answer["reason"] is None and "generation 2" in answer["serving"] and answer["pid"] == d.process.pid
    last = d.status()["last_reload"]
    assert last["ok"] and last["seq"] == answer["seq"] and last["changes"] == answer["changes"] and last["at"] == answer["at"]
    assert len(d.pids("worker")) == 3 and not log.exists() and d.pid_file.exists()
    assert "geheim-canary" not in done.stdout + d.text()
    report = pathlib.Path(f"{d.pid_file}.report")
    assert "geheim-canary" not in report.read_text() and report.stat().st_mode & 0o777 == 0o640
    # Once more: only the restart is still missing, and it is said again.
    done = text(d, "reload", "--pid-file", str(d.pid_file))
    assert done.returncode == 0 and "pid_file: " in done.stdout and "workers: " not in done.stdout, done
    assert d.stop() == 0 and not report.exists() and not d.pid_file.exists()


def test_nothing_changed(d):
    done = text(d, "reload")
    assert done.returncode == 0 and "no key changed" in done.stdout and "generation 2" in done.stdout, done


@pytest.mark.parametrize("bad,words", [("workers: many", ":2:10: \"workers\""), ("nonsense: 1", "unknown key"), ("log: [", ":")])
def test_a_bad_file(new_daemon, base, bad, words):
    manager = Manager(base)
    d = new_daemon().start(environment={"NOTIFY_SOCKET": manager.path})
    before, good = d.status(), d.config.read_text()
    lines = good.splitlines()
    d.config.write_text("\n".join([lines[0], bad] + [x for x in lines[1:] if not x.startswith("workers")]) + "\n")
    # Even one that cannot be parsed finds its daemon, and the daemon says what is wrong.
    done = text(d, "reload")
    assert done.returncode == 1 and str(d.config) in done.stderr and words in done.stderr, done
    assert "RELOADING=1" in manager.wait("RELOADING=1") and "MONOTONIC_USEC=" in manager.wait("RELOADING=1")
    status = manager.wait("STATUS=reload failed")
    assert status.startswith("READY=1\n") and words in status and "generation 1 keeps serving" in status
    after = d.status()
    assert after["generation"] == 1 and after["reloads_failed"] == 1
    assert sorted(c["pid"] for c in after["children"]) == sorted(c["pid"] for c in before["children"])
    d.config.write_text(good)
    assert text(d, "reload").returncode == 0
    manager.wait("STATUS=generation 2")
    assert d.stop() == 0


def test_a_busy_port(d):
    before = d.status()
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        s.listen()
        port = s.getsockname()[1]
        d.write(listen=f"\n  - address: 127.0.0.1:{d.port}\n  - address: 127.0.0.1:{port}")
        refused(d, f"cannot listen on 127.0.0.1:{port}: Address already in use", before)
    assert text(d, "reload").returncode == 0


@pytest.mark.parametrize("role", ["worker", "reaper"])
def test_an_unreachable_database(d, pg, role):
    before, good = d.status(), d.config.read_text()
    d.config.write_text(good.replace(f"dbname={d.database} user=ringd_{role}", f"dbname=no_such_database user=ringd_{role}"))
    refused(d, 'database "no_such_database" does not exist', before)
    assert role in d.status()["last_reload"]["reason"]
    d.config.write_text(good.replace(f"host={pg.sock}", "host=127.0.0.1").replace(f"port={pg.port}", f"port={ringd.free_port()}"))
    wait_for("the rejected generation to be gone", lambda: {c["generation"] for c in d.status()["children"]} == {1})
    refused(d, "refused", before)


def test_a_rejected_generation_lets_its_clients_finish(d, pg):
    """Its workers are ready before its reaper fails: who came to them is answered, and none is reset."""
    t = ringd.Tenant(pg.dsn(d.database), "Rejected")
    half = b"POST /webhooks/dialpad/none HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n"
    mute = socket.create_server(("127.0.0.1", 0))       # takes the connection and never says a word
    d.config.write_text(d.config.read_text().replace(f"user=ringd_reaper", f"user=ringd_reaper hostaddr=127.0.0.1 port={mute.getsockname()[1]}"))
    failed, done, slow = [], [], []

    def coming():
        return [c for c in d.status()["children"] if c["generation"] == 2 and c["role"] == "worker" and c["state"] == "ready"]
    process = subprocess.Popen([str(BIN / "ringctl"), "-f", str(d.config), "reload"], stderr=subprocess.PIPE, text=True)
    wait_for("its workers to be ready", lambda: len(coming()) == 2, every=0.01)
    while not any(c["connections"] for c in coming()):      # until one of these is with them
        slow.append(socket.create_connection(("127.0.0.1", d.port), timeout=10))
        slow[-1].sendall(half)
        time.sleep(0.02)
    while process.poll() is None:
        try:
            done.append(d.get("/api/calls/active", t.key).status)
        except (OSError, http.client.HTTPException) as e:
            failed.append(repr(e))
    mute.close()
    assert process.returncode == 1 and "reaper" in process.stderr.read()
    assert failed == [] and set(done) == {200} and len(done) > 50, (failed, len(done))
    for s in slow:
        s.sendall(b"0123456789")
        assert s.recv(100).startswith(b"HTTP/1.1 4")
        s.close()
    wait_for("its workers to be gone", lambda: all(c["generation"] == 1 for c in d.status()["children"]))


def test_a_reload_that_moves_the_admin_listener(d):
    old, d.admin = d.admin, ringd.free_port()
    d.write()
    done = text(d, "reload")
    assert done.returncode == 0 and f"admin.listen: 127.0.0.1:{old}, unix:{d.socket} -> 127.0.0.1:{d.admin}" in done.stdout, done
    assert d.status()["last_reload"]["ok"]
    with socket.socket() as s:      # and one that fails while it would move
        s.bind(("127.0.0.1", 0))
        s.listen()
        d.config.write_text(d.config.read_text().replace(f"127.0.0.1:{d.admin}", f"127.0.0.1:{s.getsockname()[1]}"))
        done = text(d, "reload")
        assert done.returncode == 1 and "in use" in done.stderr, done


def test_nobody_to_reload(new_daemon, tmp_path):
    d = new_daemon()
    done = text(d, "reload")
    assert done.returncode == 1 and "not running" in done.stderr
    d.pid_file.write_text(f"{os.getpid()}\n")           # left over, and the number is somebody else's now
    done = text(d, "reload")
    assert done.returncode == 1 and "not running" in done.stderr
    d.pid_file.unlink()
    none = tmp_path / "none.yaml"
    none.write_text(d.config.read_text().replace("pid_file", "#pid_file"))
    none.chmod(0o600)
    done = text(d, "reload", "-f", str(none))
    assert done.returncode == 2 and "pid_file" in done.stderr, done


def test_a_slow_client_does_not_hold_up_the_next_reloads(d):
    """It has its drain_timeout, and meanwhile the configuration changes again and again."""
    with socket.create_connection(("127.0.0.1", d.port)) as slow:
        slow.sendall(b"POST /webhooks/dialpad/none HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n")
        wait_for("the worker to have it", lambda: sum(c["connections"] for c in d.status()["children"]) >= 1)
        began = time.monotonic()
        for generation in (2, 3, 4):
            assert ringd.json.loads(reload(d).stdout)["serving"].startswith(f"generation {generation},")
        assert time.monotonic() - began < 7
        assert {c["generation"] for c in d.status()["children"]} >= {1, 4}
        slow.sendall(b"0123456789")
        assert slow.recv(100).startswith(b"HTTP/1.1 4")


def test_signals_that_come_too_early_are_not_lost(d):
    for _ in range(3):
        d.kill(signal.SIGHUP)
        time.sleep(0.01)
    assert text(d, "reload").returncode == 0
    status = d.status()
    assert status["generation"] >= 3 and status["reloads_failed"] == 0      # one that had begun, and one for all that came then


def test_idle_connections_are_shut_after_a_grace_and_never_reset(d):
    """One is asked on in its grace and told to close; one is silent and sees an end; a new one has its time to ask."""
    get = b"GET /nothing HTTP/1.1\r\nHost: x\r\n\r\n"
    d.write(workers=1)
    assert reload(d).returncode == 0
    wait_for("one worker", lambda: len(d.status()["children"]) == 2)
    talks, silent, fresh = (socket.create_connection(("127.0.0.1", d.port), timeout=5) for _ in range(3))
    for s in (talks, silent):
        s.sendall(get)
        assert s.recv(4096).startswith(b"HTTP/1.1 404")
    wait_for("all three to be accepted", lambda: sum(c["connections"] for c in d.status()["children"]) >= 3)
    assert reload(d).returncode == 0
    talks.sendall(get)
    answer = talks.recv(4096)
    assert answer.startswith(b"HTTP/1.1 404") and b"\r\nConnection: close\r\n" in answer
    assert talks.recv(1) == b"" and silent.recv(1) == b""
    silent.sendall(get)         # too late, and no reset for it: a second piece would meet that
    silent.sendall(get)
    assert silent.recv(1) == b""
    time.sleep(1.2)             # longer than the grace: it never had an answer, so it was about to ask
    fresh.sendall(get)
    assert fresh.recv(4096).startswith(b"HTTP/1.1 404")
    for s in (talks, silent, fresh):
        s.close()


def test_a_queue_is_not_dropped_with_its_listener(d, pg):
    """Clients that wait in the queue of an address that goes away are still served."""
    t = ringd.Tenant(pg.dsn(d.database), "Queue")
    second = ringd.free_port()
    d.write(workers=1, listen=f"\n  - address: 127.0.0.1:{d.port}\n  - address: 127.0.0.1:{second}")
    assert reload(d).returncode == 0
    wait_for("the first generation to be gone", lambda: {c["generation"] for c in d.status()["children"]} == {2})
    worker = d.pids("worker")[0]
    os.kill(worker, signal.SIGSTOP)
    waiting = [socket.create_connection(("127.0.0.1", second), timeout=15) for _ in range(20)]
    for s in waiting:
        s.sendall(f"GET /api/calls/active HTTP/1.1\r\nHost: x\r\nx-app-api-key: {t.key}\r\n\r\n".encode())
    d.write(listen=f"\n  - address: 127.0.0.1:{d.port}")
    d.kill(signal.SIGHUP)
    wait_for("the next generation", lambda: "reloaded: the old generation drains generation=2" in d.text())
    os.kill(worker, signal.SIGCONT)
    assert [s.recv(12) for s in waiting] == [b"HTTP/1.1 200"] * 20
    for s in waiting:
        s.close()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", second), timeout=5)


def test_fifty_reloads_under_load(d, pg):
    from test_process import Load, every_ack_is_a_call
    t = ringd.Tenant(pg.dsn(d.database), "Fifty")
    began = time.monotonic()
    with Load(d, t) as load:
        for i in range(50):
            d.write(workers=1 + i % 3)
            done = text(d, "reload")
            assert done.returncode == 0, done.stderr
    assert time.monotonic() - began < 180
    assert set(load.statuses) == {200} and load.broken == 0, (load.statuses, load.broken)
    assert d.status()["generation"] == 51 and d.status()["reloads"] == 50
    every_ack_is_a_call(pg, d, load)


def test_the_report_is_not_written_through_a_link(d, base):
    victim = base / "victim"
    victim.write_text("precious")
    report = pathlib.Path(f"{d.pid_file}.report")
    for p in (report, pathlib.Path(f"{report}.new")):
        p.unlink(missing_ok=True)
        p.symlink_to(victim)
    d.kill(signal.SIGHUP)
    wait_for("the reload", lambda: d.status()["generation"] == 2)
    assert victim.read_text() == "precious" and not report.is_symlink() and "state done" in report.read_text()


def test_a_webhook_secret_changes_with_a_reload(d, pg):
    """Limits and secrets too: what the file says is what the next request meets."""
    t = ringd.Tenant(pg.dsn(d.database), "Secret")
    event = jwt(call_event(77), t.secret)
    assert d.post(t.path, event).status == 200
    d.write(http={"drain_timeout": "8s", "body_bytes": "1K"})
    assert reload(d).returncode == 0
    assert d.post(t.path, jwt(call_event(78, note="x" * 2000), t.secret)).status == 413
