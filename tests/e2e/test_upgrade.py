"""The program replaced while it serves: nothing is lost, and one that does not get ready changes nothing."""
import http.client
import json
import os
import pathlib
import pwd
import shutil
import signal
import socket
import stat
import subprocess
import threading
import time

import pytest

import ringd
from ringd import BIN, call_event, is_alive, jwt, ringctl, wait_for
from test_process import Load, every_ack_is_a_call
from test_reload import Manager

HERE = {"drain_timeout": "8s"}


class Replaceable(ringd.Daemon):
    """Started from a copy of the program, which a test may replace."""

    def __init__(self, *args, **more):
        super().__init__(*args, **more)
        self.program = self.base / "ringd"
        self.install(BIN / "ringd")

    def install(self, program):
        fresh = self.base / "ringd.fresh"
        if isinstance(program, str):
            fresh.write_text(program)
        else:
            shutil.copy(program, fresh)
        fresh.chmod(0o755)
        fresh.rename(self.program)      # as a package manager does it: the running file is never written to

    def start(self, ready=True, environment=None, command=None, **how):
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(command or [str(self.program), "-d", "-f", str(self.config)], stdout=log, stderr=log,
                                            env={**os.environ, **(environment or {})}, **how)
        if ready:
            self.wait_ready()
        return self

    def upgrade(self, *args):
        return ringctl("upgrade", *args, config=self.config, check=False)

    def upgraded(self):
        """Upgrades, and checks all that has to be true afterwards."""
        old = self.master()
        done = self.upgrade()
        assert done.returncode == 0, done.stderr + done.stdout + self.text()[-3000:]
        answer = json.loads(done.stdout)
        new = self.master()
        assert answer["ok"] and answer["pid"] == new != old and "generation 1," in answer["serving"], answer
        wait_for("the old one's workers to listen no more", lambda: self.status()["pid"] == new)
        status = self.status()
        assert status["last_reload"]["what"] == "upgrade" and status["last_reload"]["ok"]
        return new

    def not_upgraded(self, words):
        old, before = self.master(), self.status()
        done = subprocess.run([str(BIN / "ringctl"), "-f", str(self.config), "upgrade"], capture_output=True, text=True, timeout=120, check=False)
        assert done.returncode == 1 and words in done.stderr, (done, self.text()[-3000:])
        after = self.status()
        assert self.master() == old == after["pid"] and is_alive(old)
        assert sorted(c["pid"] for c in after["children"] if c["generation"] == before["generation"]) == \
            sorted(c["pid"] for c in before["children"])
        assert words in after["last_reload"]["reason"] and not after["last_reload"]["ok"] and "upgrade failed" in self.text()


@pytest.fixture
def new_replaceable(base, pg, new_database):
    made = []

    def make(**settings):
        settings = {"http": HERE, "database_keys": {"connect_timeout": "1s"}, "ready_timeout": "1s", **settings}
        d = Replaceable(base / f"u{time.monotonic_ns()}", pg, new_database(), **settings)
        made.append(d)
        return d
    yield make
    for d in made:
        if d.process is not None or d.pid_file.exists():
            d.stop_master()
            assert not pathlib.Path(f"{d.pid_file}.report").exists()
            assert "AddressSanitizer" not in d.text() and "runtime error:" not in d.text()


@pytest.fixture
def d(new_replaceable):
    return new_replaceable().start()


class OneShots:
    """A connection for every request; whatever is not an answer is a failure."""

    def __init__(self, d, tenant, threads=2):
        self.d, self.tenant, self.served, self.failed, self.over = d, tenant, 0, [], threading.Event()
        self.threads = [threading.Thread(target=self.run) for _ in range(threads)]

    def run(self):
        while not self.over.is_set():
            try:
                answer = self.d.get("/api/calls/active", self.tenant.key)
                assert answer.status == 200, answer
                self.served += 1
            except (OSError, http.client.HTTPException, AssertionError) as e:
                self.failed.append(repr(e))

    def __enter__(self):
        for t in self.threads:
            t.start()
        return self

    def __exit__(self, *_):
        self.over.set()
        for t in self.threads:
            t.join(20)


def test_under_load_three_times_and_a_reload_between(d, pg):
    t = ringd.Tenant(pg.dsn(d.database), "Upgrade")
    first = d.process
    with Load(d, t) as load, OneShots(d, t) as shots:
        for i in range(3):
            d.upgraded()
            d.write(workers=1 + i)
            assert ringctl("reload", config=d.config)["ok"]
    assert first.wait(20) == 0
    assert set(load.statuses) == {200} and load.broken == 0 and shots.failed == [], (load.statuses, load.broken, shots.failed[:3])
    assert len(load.acked) > 100 and shots.served > 100
    every_ack_is_a_call(pg, d, load)
    assert len(d.pids("worker")) == 3 and d.status()["generation"] == 2
    wait_for("the old masters and their children to be gone", lambda: d.text().count("ringd stopped") == 3)


def test_after_a_reload_that_still_drains(d):
    with socket.create_connection(("127.0.0.1", d.port)) as slow:
        slow.sendall(b"POST /webhooks/dialpad/none HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n")
        wait_for("a worker to have it", lambda: sum(c["connections"] for c in d.status()["children"]) >= 1)
        assert ringctl("reload", config=d.config)["ok"]
        d.upgraded()
        slow.sendall(b"0123456789")
        assert slow.recv(100).startswith(b"HTTP/1.1 4")
    assert d.process.wait(20) == 0


def test_everything_works_afterwards(d, pg):
    """Respawn, drain, a second start refused, the log reopened, the master's death noticed: as after any start."""
    t = ringd.Tenant(pg.dsn(d.database), "After")
    new = d.upgraded()
    assert d.process.wait(20) == 0 and d.pid_file.exists() and pathlib.Path(f"{d.pid_file}.report").exists()
    victim = d.pids("worker")[0]
    os.kill(victim, signal.SIGKILL)
    wait_for("its successor", lambda: len(d.pids("worker")) == 2 and victim not in d.pids("worker"), 20)
    os.kill(new, signal.SIGUSR1)
    wait_for("the log to be reopened", lambda: "log reopened" in d.text())
    again = subprocess.run([str(d.program), "-d", "-f", str(d.config)], capture_output=True, text=True, timeout=20, check=False)
    assert again.returncode == 1 and f"already running, pid {new}" in again.stderr
    assert d.post(t.path, jwt(call_event(5), t.secret)).status == 200
    wait_for("the call", lambda: d.get("/api/calls", t.key).json["data"], 20)
    os.kill(new, signal.SIGTERM)
    wait_for("it to drain and leave", lambda: not is_alive(new))
    assert not d.pid_file.exists()
    d.start()
    new = d.upgraded()
    children = [c["pid"] for c in d.status()["children"]]
    if os.getuid() == 0:
        who = pwd.getpwnam("postgres")
        for pid in children:
            assert f"\nUid:\t{who.pw_uid}\t{who.pw_uid}\t{who.pw_uid}\t{who.pw_uid}\n" in pathlib.Path(f"/proc/{pid}/status").read_text()
    os.kill(new, signal.SIGKILL)
    wait_for("the children to leave", lambda: not any(is_alive(p) for p in children))
    d.pid_file.unlink()
    pathlib.Path(f"{d.pid_file}.report").unlink()


def test_nothing_foreign_is_inherited(d):
    new = d.upgraded()
    assert d.process.wait(20) == 0
    open_fds = {int(p.name): os.readlink(p) for p in pathlib.Path(f"/proc/{new}/fd").iterdir()}
    listening = [f for f in open_fds.values() if f.startswith("socket:")]
    assert len(listening) == 3, open_fds                    # the public listener, two for admins, and no link
    assert sum(f == str(d.pid_file) for f in open_fds.values()) == 1
    assert sum(f.startswith("pipe:") for f in open_fds.values()) == 6, open_fds     # wake, use and life, both ends
    environment = pathlib.Path(f"/proc/{d.pids('reaper')[0]}/environ").read_bytes()
    assert b"RINGD_UPGRADE" not in environment
    for c in d.status()["children"]:
        names = {os.readlink(p) for p in pathlib.Path(f"/proc/{c['pid']}/fd").iterdir()}
        assert not any("ringd.pid" in n for n in names), names


@pytest.mark.parametrize("what,program,words", [
    ("exits", "#!/bin/sh\nexit 1\n", "ended with exit code 1 before it was ready"),
    ("hangs", "#!/bin/sh\nexec sleep 1000\n", "was not ready within 11 s"),
    ("ignores", "#!/bin/sh\ntrap '' TERM\nwhile :; do sleep 1; done\n", "was not ready within 11 s"),
    ("dies", "#!/bin/sh\nkill -SEGV $$\n", "was killed by signal 11"),
    ("is no program", "\0\0\0\0", "cannot run"),
])
def test_a_broken_program(new_replaceable, what, program, words):
    d = new_replaceable().start()
    d.install(program)
    d.not_upgraded(words)
    if what == "hangs":     # a reload waits for its end and is not lost
        assert ringctl("reload", config=d.config)["ok"]
    d.install(BIN / "ringd")
    if what != "ignores":   # that one has its drain_timeout before it is killed
        d.upgraded()
        assert d.process.wait(20) == 0


def test_no_program(d):
    d.program.unlink()
    d.not_upgraded("cannot run")
    d.install(BIN / "ringd")
    d.upgraded()


def test_a_program_for_another_schema(d, pg):
    """Rolled back with the reason, and without a request lost."""
    t = ringd.Tenant(pg.dsn(d.database), "Schema")
    version = ringctl("version")["schema_version"]
    with pg.connect(d.database) as c:
        c.cursor().execute("INSERT INTO schema_version (version, name) VALUES (%s, 'of another release')", (version + 1,))
        with Load(d, t) as load, OneShots(d, t) as shots:
            d.not_upgraded("schema")
            assert str(version + 1) in d.status()["last_reload"]["reason"]
        assert set(load.statuses) == {200} and load.broken == 0 and shots.failed == []
        c.cursor().execute("DELETE FROM schema_version WHERE version = %s", (version + 1,))
    d.upgraded()


def test_a_bad_configuration_or_a_busy_port(d):
    good = d.config.read_text()
    d.config.write_text(good + "nonsense: 1\n")
    d.not_upgraded('unknown key "nonsense"')
    with socket.create_server(("127.0.0.1", 0)) as s:
        d.write(listen=f"\n  - address: 127.0.0.1:{d.port}\n  - address: 127.0.0.1:{s.getsockname()[1]}")
        d.not_upgraded("Address already in use")
    d.config.write_text(good.replace(f"pid_file: {d.pid_file}", f"pid_file: {d.base}/other.pid"))
    done = ringctl("upgrade", "--pid-file", d.pid_file, config=d.config, check=False)
    assert done.returncode == 1 and "only at a restart" in json.loads(done.stdout)["reason"], done
    d.config.write_text(good)
    d.upgraded()


def test_the_new_configuration_counts(d):
    """Listeners more and fewer: kept ones keep their socket, others are closed or opened."""
    extra = ringd.free_port()
    d.write(workers=1, listen=f"\n  - address: 127.0.0.1:{d.port}\n  - address: 127.0.0.1:{extra}")
    d.upgraded()
    assert ringd.request(extra, "GET", "/nothing").status == 404 and len(d.pids("worker")) == 1
    d.write(listen=f"\n  - address: 127.0.0.1:{d.port}")
    d.upgraded()
    assert f"is not in the configuration: closed endpoint=127.0.0.1:{extra}\n" in d.text()

    def refused():
        try:
            socket.create_connection(("127.0.0.1", extra), timeout=2).close()
            return False
        except ConnectionRefusedError:
            return True
    wait_for("the port to be closed", refused)
    assert d.get("/nothing").status == 404


def unix_get(path):
    with socket.socket(socket.AF_UNIX) as s:
        s.settimeout(10)
        s.connect(str(path))
        s.sendall(b"GET /nothing HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        return s.recv(100)


def test_unix_listeners_survive(d):
    kept, dropped = d.base / "kept.sock", d.base / "dropped.sock"
    d.write(listen=f"\n  - address: 127.0.0.1:{d.port}\n  - address: unix:{kept}\n  - address: unix:{dropped}")
    assert ringctl("reload", config=d.config)["ok"]
    before = kept.stat()
    d.upgraded()
    d.write(listen=f"\n  - address: 127.0.0.1:{d.port}\n  - address: unix:{kept}")
    d.upgraded()
    assert d.process.wait(20) == 0
    assert (kept.stat().st_ino, kept.stat().st_mode, kept.stat().st_uid) == (before.st_ino, before.st_mode, before.st_uid)
    assert stat.S_ISSOCK(before.st_mode) and unix_get(kept).startswith(b"HTTP/1.1 404")
    wait_for("the dropped one's file to be gone", lambda: not dropped.exists())
    d.install("#!/bin/sh\nexit 1\n")
    d.not_upgraded("exit code 1")
    assert unix_get(kept).startswith(b"HTTP/1.1 404")
    d.stop_master()
    assert not kept.exists() and not d.pid_file.exists()


@pytest.mark.parametrize("relative", [False, True])
def test_in_the_background(new_replaceable, relative):
    """Detached, and started by names that are true only in the folder where the command was typed."""
    d = new_replaceable()
    d.write(log={"to": str(d.base / "own.log")})
    d.base.chmod(0o777)
    command = ["./ringd", "-f", "ringd.yaml"] if relative else [str(d.program), "-f", str(d.config)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, cwd=d.base if relative else "/", check=False)
    assert done.returncode == 0, done.stderr
    first = d.master()
    for _ in range(2):
        new = d.upgraded()
        wait_for("the old one to be gone", lambda: not is_alive(first))
        assert os.readlink(f"/proc/{new}/cwd") == "/"
        assert pathlib.Path(f"/proc/{new}/cmdline").read_bytes().split(b"\0")[:-1] == [w.encode() for w in command]
        assert {os.readlink(f"/proc/{new}/fd/{i}") for i in (0, 1, 2)} == {"/dev/null"}
        first = new
    assert "took over" in (d.base / "own.log").read_text()


def test_found_by_path(new_replaceable):
    d = new_replaceable()
    d.start(command=["ringd", "-d", "-f", str(d.config)], environment={"PATH": f"{d.base}:{os.environ['PATH']}"}, cwd="/")
    d.upgraded()


def test_unprivileged(new_replaceable):
    if os.getuid() != 0:
        pytest.skip("already unprivileged")
    d = new_replaceable()
    d.config.write_text("\n".join(x for x in d.config.read_text().splitlines() if not x.startswith("user")) + "\n")
    who = pwd.getpwnam("postgres")
    for p in (d.base, d.config, d.program):
        os.chown(p, who.pw_uid, who.pw_gid)
    d.start(user="postgres", group="postgres", extra_groups=[], cwd="/")
    new = d.upgraded()
    assert pathlib.Path(f"/proc/{new}").stat().st_uid == who.pw_uid
    assert d.process.wait(20) == 0


def test_what_the_manager_hears(new_replaceable, base):
    manager = Manager(base)
    d = new_replaceable().start(environment={"NOTIFY_SOCKET": manager.path, "WATCHDOG_USEC": "1000000"})
    manager.wait("READY=1\nSTATUS=generation 1")
    manager.wait("WATCHDOG=1")
    new = d.upgraded()
    assert "MONOTONIC_USEC=" in manager.wait("RELOADING=1")
    assert manager.wait("MAINPID").startswith(f"MAINPID={new}\nREADY=1\nSTATUS=generation 1")
    assert d.process.wait(20) == 0
    assert not any("STOPPING" in x for x in manager.listen())
    manager.heard.clear()
    manager.wait("WATCHDOG=1")          # now of the new one; it was told the period
    d.install("#!/bin/sh\nexit 1\n")
    d.not_upgraded("exit code 1")
    failed = manager.wait("upgrade failed")
    assert failed.startswith("READY=1\nSTATUS=") and "exit code 1" in failed
    d.stop_master()
    manager.wait("STOPPING=1")


def test_the_watchdog_is_silent_without_a_worker(new_replaceable, base):
    manager = Manager(base)
    d = new_replaceable(workers=1).start(environment={"NOTIFY_SOCKET": manager.path, "WATCHDOG_USEC": "400000"})
    manager.wait("WATCHDOG=1")
    os.kill(d.pids("worker")[0], signal.SIGKILL)
    wait_for("its death to be noticed", lambda: "child ended, started again" in d.text())
    manager.listen()
    manager.heard.clear()
    time.sleep(0.7)                     # a wait of a second follows an early death, and 200 ms is the period
    assert "WATCHDOG=1" not in manager.listen()
    manager.wait("WATCHDOG=1")


def test_stopped_while_upgrading(d):
    d.install("#!/bin/sh\nexec sleep 1000\n")
    d.kill(signal.SIGUSR2)
    wait_for("the new program", lambda: "the new master was started pid_of_new=" in d.text())
    new = int(d.text().split("the new master was started pid_of_new=")[1].split()[0])
    assert d.stop(seconds=5) == 0
    wait_for("it to be gone too", lambda: not is_alive(new))
    assert not d.pid_file.exists()


def test_the_old_master_is_killed_meanwhile(d):
    """The new one goes on alone, and is the master."""
    d.install(f"#!/bin/sh\nsleep 1\nexec {BIN / 'ringd'} \"$@\"\n")
    d.kill(signal.SIGUSR2)
    wait_for("the new program", lambda: "the new master was started pid_of_new=" in d.text())
    d.process.kill()
    d.process.wait(10)
    wait_for("the new one to be the master", lambda: "took over" in d.text(), 30)
    assert "has died; going on without it" in d.text() and d.master() != d.process.pid and d.get("/nothing").status == 404


def test_two_at_once(d):
    """The second waits for the first, and then the new program is asked no more: the one it was sent to has gone."""
    first, second = (subprocess.Popen([str(BIN / "ringctl"), "--json", "-f", str(d.config), "upgrade"], stdout=subprocess.PIPE,
                                      stderr=subprocess.PIPE, text=True) for _ in range(2))
    answers = [json.loads(p.communicate(timeout=60)[0]) for p in (first, second)]
    assert all(a["ok"] for a in answers) and d.master() in {a["pid"] for a in answers}
    wait_for("the rest to be gone", lambda: not is_alive(d.process.pid))


def activated(d, sockets, **how):
    """Starts ringd as systemd starts a service with sockets: from descriptor 3 on, and its own pid in LISTEN_PID."""
    with open(d.log, "ab") as log:
        for i, s in enumerate(sockets):
            os.dup2(s.fileno(), 100 + i)
        moves = " ".join(f"{3 + i}<&{100 + i} {100 + i}<&-" for i in range(len(sockets)))
        script = f"exec {moves}; export LISTEN_PID=$$ LISTEN_FDS={len(sockets)} LISTEN_FDNAMES=x; exec \"$@\""
        d.process = subprocess.Popen(["bash", "-c", script, "sh", str(d.program), "-d", "-f", str(d.config)], stdout=log, stderr=log,
                                     pass_fds=[100 + i for i in range(len(sockets))], **how)
        for i in range(len(sockets)):
            os.close(100 + i)
    d.wait_ready()


def test_socket_activation(new_replaceable):
    d = new_replaceable()
    path = d.base / "activated.sock"
    tcp, unused, file, datagram = socket.socket(), socket.create_server(("127.0.0.1", 0)), socket.socket(socket.AF_UNIX), \
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    tcp.bind(("127.0.0.1", d.port))
    tcp.listen(64)
    file.bind(str(path))
    file.listen(64)
    os.chmod(path, 0o666)
    datagram.bind(("127.0.0.1", 0))
    d.write(listen=f"\n  - address: unix:{path}\n  - address: 127.0.0.1:{d.port}")
    early = socket.create_connection(("127.0.0.1", d.port), timeout=30)       # before there is a ringd
    early.sendall(b"GET /nothing HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    activated(d, [tcp, unused, file, datagram])
    assert early.recv(100).startswith(b"HTTP/1.1 404") and unix_get(path).startswith(b"HTTP/1.1 404")
    assert f"is not in the configuration: closed endpoint=127.0.0.1:{unused.getsockname()[1]}\n" in d.text()
    assert "descriptor 6 is not a listening stream socket" in d.text()
    environment = pathlib.Path(f"/proc/{d.pids('reaper')[0]}/environ").read_bytes()
    assert b"LISTEN_" not in environment
    d.upgraded()                        # and once more handed on
    assert d.process.wait(20) == 0 and unix_get(path).startswith(b"HTTP/1.1 404")
    d.stop_master()
    assert path.exists()                # it is the manager's
    for s in (tcp, unused, file, datagram, early):
        s.close()


@pytest.mark.parametrize("name,value,words", [
    ("RINGD_UPGRADE", "1:2:3:4", "is not what this version understands"),
    ("RINGD_UPGRADE", "2:900:::900:", "is not what this version understands"),
    ("RINGD_UPGRADE", "1:900::0:901:", "names a descriptor that is not open"),
])
def test_a_handover_by_a_stranger(new_replaceable, name, value, words):
    d = new_replaceable()
    done = subprocess.run([str(d.program), "-d", "-f", str(d.config)], capture_output=True, text=True, timeout=20,
                          env={**os.environ, name: value}, check=False)
    assert done.returncode == 2 and words in done.stderr, done


@pytest.mark.parametrize("pid,fds", [("x", "1"), ("$$", "-1"), ("$$", "33"), ("$$", "1x"), ("1", "1")])
def test_nonsense_in_listen_fds(new_replaceable, pid, fds):
    d = new_replaceable()
    d.start(command=["sh", "-c", f"export LISTEN_PID={pid} LISTEN_FDS={fds}; exec \"$@\"", "sh", str(d.program), "-d", "-f", str(d.config)])
    assert ("nothing is taken" in d.text()) == (pid != "1")
    assert d.get("/nothing").status == 404
