"""Life of the processes: signals, deaths, reloads, privileges, the pid file."""
import http.client
import os
import pathlib
import pwd
import shutil
import signal
import subprocess
import threading
import time

import pytest

import ringd
from ringd import BIN, call_event, drained, jwt, wait_for


@pytest.fixture
def d(new_daemon):
    x = new_daemon(http={"drain_timeout": "5s"}, limits={"requests": 0}).start()
    yield x
    x.stop()


@pytest.fixture
def tenant(d, pg):
    return ringd.Tenant(pg.dsn(d.database), "Process")


class Load:
    """Readers and senders that count what they saw; a refused or broken connection is tried again, as a client would."""

    def __init__(self, d, tenant, threads=4):
        self.d, self.tenant = d, tenant
        self.acked, self.statuses, self.broken = [], {}, 0
        self.stop_flag = threading.Event()
        self.threads = [threading.Thread(target=self.run, args=(i,)) for i in range(threads)]

    def run(self, i):
        n = 500000 + i * 100000
        while not self.stop_flag.is_set():
            c = http.client.HTTPConnection("127.0.0.1", self.d.port, timeout=10)
            try:
                for _ in range(50):
                    if self.stop_flag.is_set():
                        break
                    n += 1
                    c.request("POST", self.tenant.path, jwt(call_event(n), self.tenant.secret))
                    r = c.getresponse()
                    r.read()
                    self.statuses[r.status] = self.statuses.get(r.status, 0) + 1
                    if r.status == 200:
                        self.acked.append(n)
                    c.request("GET", "/api/calls/active", headers={"x-app-api-key": self.tenant.key})
                    r = c.getresponse()
                    r.read()
                    self.statuses[r.status] = self.statuses.get(r.status, 0) + 1
                    if r.getheader("connection") == "close":
                        break
            except (OSError, http.client.HTTPException):
                self.broken += 1
            finally:
                c.close()

    def __enter__(self):
        for t in self.threads:
            t.start()
        time.sleep(0.5)
        return self

    def __exit__(self, *_):
        self.stop_flag.set()
        for t in self.threads:
            t.join(20)


def every_ack_is_a_call(pg, d, load, seconds=30):
    with pg.connect(d.database) as c, c.cursor() as q:
        drained(c, seconds)
        q.execute("SELECT provider_call_id::bigint FROM calls")
        have = [r[0] for r in q.fetchall()]
    assert len(have) == len(set(have))
    assert set(load.acked) <= set(have), f"{len(set(load.acked) - set(have))} acknowledged events are no call"


@pytest.mark.parametrize("role", ["worker", "reaper"])
def test_kill_9_under_load(d, pg, tenant, role):
    with Load(d, tenant) as load:
        for _ in range(3):
            victim = wait_for(f"a {role}", lambda: d.pids(role))[0]
            os.kill(victim, signal.SIGKILL)
            time.sleep(0.7)
        wait_for("both roles again", lambda: len(d.pids("worker")) == 2 and len(d.pids("reaper")) == 1, 20)
    assert set(load.statuses) <= {200, 503}, load.statuses
    assert len(load.acked) > 100
    every_ack_is_a_call(pg, d, load)
    assert d.status()["restarts"] >= 3


def test_reload_changes_workers_and_loses_nothing(d, pg, tenant):
    with Load(d, tenant) as load:
        for generation, workers in ((2, 1), (3, 3), (4, 2)):
            d.write(workers=workers)
            d.kill(signal.SIGHUP)
            wait_for(f"generation {generation}", lambda: d.status()["generation"] == generation, 20)
            wait_for("its workers", lambda: len([c for c in d.status()["children"] if c["role"] == "worker"
                                                 and c["generation"] == generation and c["state"] == "ready"]) == workers, 20)
            time.sleep(0.3)
    assert set(load.statuses) == {200} and load.broken == 0, (load.statuses, load.broken)
    every_ack_is_a_call(pg, d, load)
    wait_for("the old generations to be gone", lambda: {c["generation"] for c in d.status()["children"]} == {4}, 15)


@pytest.mark.parametrize("broken,where", [
    ("workers: many", ":2:"), ("nonsense: 1", "nonsense"), ("json: {depth: 16Q}", "depth"), ("log: [", ":"),
])
def test_bad_file_changes_nothing(d, tenant, broken, where):
    good = d.config.read_text()
    before = d.status()
    lines = good.splitlines()
    d.config.write_text("\n".join([lines[0], broken] + [x for x in lines[1:] if not x.startswith("workers")]) + "\n")
    d.kill(signal.SIGHUP)
    wait_for("the reason in the log", lambda: "reload failed" in d.text(), 10)
    line = [x for x in d.text().splitlines() if "reload failed" in x][-1]
    assert str(d.config) in line and where in line, line
    after = d.status()
    assert after["generation"] == before["generation"]
    assert sorted(c["pid"] for c in after["children"]) == sorted(c["pid"] for c in before["children"])
    assert d.get("/api/calls", tenant.key).status == 200
    d.config.write_text(good)
    d.kill(signal.SIGHUP)
    wait_for("a good file to be taken", lambda: d.status()["generation"] == before["generation"] + 1, 20)


def test_busy_port_changes_nothing(d, tenant):
    import socket
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        s.listen()
        d.write(listen=f"\n  - address: 127.0.0.1:{d.port}\n  - address: 127.0.0.1:{s.getsockname()[1]}")
        d.kill(signal.SIGHUP)
        wait_for("the reason", lambda: "reload failed" in d.text(), 10)
    assert d.status()["generation"] == 1 and d.get("/api/calls", tenant.key).status == 200


def test_a_listener_more_and_one_less(d, tenant):
    second = ringd.free_port()
    d.write(listen=f"\n  - address: 127.0.0.1:{d.port}\n  - address: 127.0.0.1:{second}")
    d.kill(signal.SIGHUP)
    wait_for("the second", lambda: d.status()["generation"] == 2, 20)
    assert ringd.request(second, "GET", "/api/calls", {"x-app-api-key": tenant.key}).status == 200
    d.write(listen=f"\n  - address: 127.0.0.1:{d.port}")
    d.kill(signal.SIGHUP)
    wait_for("it to be gone", lambda: d.status()["generation"] == 3, 20)

    def refused():
        try:
            ringd.request(second, "GET", "/", timeout=2)
            return False
        except OSError:
            return True
    wait_for("the port to be closed", refused, 10)


def test_term_drains(d, pg, tenant):
    with Load(d, tenant) as load:
        d.kill(signal.SIGTERM)
        assert d.process.wait(15) == 0
    assert set(load.statuses) == {200}
    with pg.connect(d.database) as c, c.cursor() as q:
        q.execute("SELECT count(DISTINCT leg_id) FROM webhook_events")
        assert q.fetchone()[0] >= len(load.acked)
    assert not d.pid_file.exists()


def test_int_and_quit(new_daemon):
    for signo in (signal.SIGINT, signal.SIGQUIT):
        x = new_daemon().start()
        began = time.monotonic()
        assert x.stop(signo, 10) == 0
        assert signo == signal.SIGINT or time.monotonic() - began < 3


def test_children_leave_when_the_master_is_killed(new_daemon):
    x = new_daemon().start()
    pids = [c["pid"] for c in x.status()["children"]]
    x.process.kill()
    x.process.wait(5)

    def gone():
        return not any(pathlib.Path(f"/proc/{p}").exists() and
                       "ringd" in pathlib.Path(f"/proc/{p}/comm").read_text() for p in pids if pathlib.Path(f"/proc/{p}").exists())
    wait_for("the children to leave", gone, 10)


def test_usr1_reopens_the_log(new_daemon, base):
    folder = base / "logs"
    folder.mkdir(exist_ok=True)
    folder.chmod(0o777)
    log = folder / "ringd.log"
    x = new_daemon(log={"to": str(log), "access": "true"})
    x.start(ready=False)
    # -d logs to stderr whatever the file says, so this one runs without it.
    x.stop()
    x.process = subprocess.Popen([str(BIN / "ringd"), "-F", "-f", str(x.config)], stderr=subprocess.DEVNULL)
    x.wait_ready()
    old = folder / "ringd.log.0"
    log.rename(old)
    x.kill(signal.SIGUSR1)
    wait_for("the new file", log.exists, 10)

    def worker_writes_there():
        x.get("/somewhere")
        return "/somewhere" in log.read_text()
    wait_for("the workers to write there", worker_writes_there, 10)
    assert x.stop() == 0


def test_second_start_is_refused(d):
    done = subprocess.run([str(BIN / "ringd"), "-d", "-f", str(d.config)], capture_output=True, text=True, timeout=20)
    assert done.returncode == 1 and "already running" in done.stderr and str(d.process.pid) in done.stderr


def test_check_only(d, tmp_path):
    done = subprocess.run([str(BIN / "ringd"), "-n", "-f", str(d.config)], capture_output=True, text=True, timeout=20)
    assert done.returncode == 0, done
    bad = tmp_path / "bad.yaml"
    bad.write_text("wrokers: 2\n")
    bad.chmod(0o600)
    done = subprocess.run([str(BIN / "ringd"), "-n", "-f", str(bad)], capture_output=True, text=True, timeout=20)
    assert done.returncode == 2
    assert f"{bad}:1:1:" in done.stderr and 'did you mean "workers"' in done.stderr
    assert subprocess.run([str(BIN / "ringd"), "-n", "-f", "/no/such"], capture_output=True, timeout=20, check=False).returncode == 2
    assert subprocess.run([str(BIN / "ringd"), "--nonsense"], capture_output=True, timeout=20, check=False).returncode != 0


def test_background_start_reports(new_daemon):
    x = new_daemon(log={"to": str(x_log(new_daemon))})
    done = subprocess.run([str(BIN / "ringd"), "-f", str(x.config)], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    pid = int(x.pid_file.read_text())
    assert ringd.request(x.admin, "GET", "/health/live").status == 200
    os.kill(pid, signal.SIGTERM)
    wait_for("the end", lambda: not pathlib.Path(f"/proc/{pid}").exists(), 20)


def x_log(_new_daemon):
    folder = pathlib.Path(ringd.temporary_directory())
    folder.chmod(0o777)
    return folder / "ringd.log"


@pytest.mark.skipif(os.getuid() != 0, reason="needs root")
def test_privileges_are_dropped_for_good(d):
    who = pwd.getpwnam("postgres")
    for child in d.status()["children"]:
        fields = dict(line.split(":", 1) for line in pathlib.Path(f"/proc/{child['pid']}/status").read_text().splitlines() if ":" in line)
        assert set(fields["Uid"].split()) == {str(who.pw_uid)} and set(fields["Gid"].split()) == {str(who.pw_gid)}
        assert "0" not in fields["Groups"].split()
        assert int(fields["CapEff"], 16) == 0 and int(fields["CapPrm"], 16) == 0


@pytest.mark.skipif(os.getuid() != 0, reason="needs root")
def test_root_without_user_is_refused(new_daemon):
    x = new_daemon()
    x.config.write_text("\n".join(line for line in x.config.read_text().splitlines() if not line.startswith("user")) + "\n")
    x.start(ready=False)
    assert x.process.wait(10) == 2 and "user" in x.text()


def test_unprivileged_start(new_daemon, pg):
    if os.getuid() != 0:
        pytest.skip("already unprivileged")
    who = pwd.getpwnam("postgres")
    x = new_daemon()
    x.config.write_text("\n".join(line for line in x.config.read_text().splitlines() if not line.startswith("user")) + "\n")
    program = x.base / "ringd"          # the tree may lie in a folder that only root enters
    shutil.copy(BIN / "ringd", program)
    for p in (x.base, x.config, program):
        os.chown(p, who.pw_uid, who.pw_gid)
    with open(x.log, "ab") as log:
        x.process = subprocess.Popen([str(program), "-d", "-f", str(x.config)], stdout=log, stderr=log,
                                     user="postgres", group="postgres", extra_groups=[], cwd="/")
    x.wait_ready()
    t = ringd.Tenant(pg.dsn(x.database), "Plain user")
    assert x.post(t.path, jwt(call_event(1), t.secret)).status == 200
    assert x.stop() == 0


def test_a_child_inherits_nothing_it_should_not(d):
    for child in d.status()["children"]:
        fds = {os.readlink(p) for p in pathlib.Path(f"/proc/{child['pid']}/fd").iterdir()}
        listening = [f for f in fds if f.startswith("socket")]
        assert not any("ringd.pid" in f or "ringd.yaml" in f for f in fds), fds
        if child["role"] == "reaper":
            assert len(listening) <= 3, fds


def test_a_reload_to_a_database_that_does_not_work_changes_nothing(d, pg, tenant):
    good = d.config.read_text()
    d.config.write_text(good.replace(f"dbname={d.database} user=ringd_worker", "dbname=no_such_database user=ringd_worker"))
    d.kill(signal.SIGHUP)
    wait_for("the reason", lambda: "reload failed" in d.text() and "though there was one before" in d.text(), 20)
    assert d.status()["generation"] == 1 and d.get("/api/calls", tenant.key).status == 200
    d.config.write_text(good.replace(f"dbname={d.database} user=ringd_reaper", "dbname=no_such_database user=ringd_reaper"))
    d.kill(signal.SIGHUP)
    wait_for("the second reason", lambda: d.text().count("reload failed") == 2, 20)
    assert d.status()["generation"] == 1 and d.get("/api/calls", tenant.key).status == 200


@pytest.mark.parametrize("url", ["postgresql://u:p@canary-pw@127.0.0.1/r", "postgresql://u:p@canary-pw/x@127.0.0.1/r", "password=right canary-pw"])
def test_a_badly_written_password_is_not_logged(new_daemon, url):
    x = new_daemon()
    x.config.write_text("\n".join(f"  worker_url: '{url}'" if "worker_url" in line else line for line in x.config.read_text().splitlines()) + "\n")
    x.start(ready=False)
    wait_for("a reason", lambda: "database" in x.text() or x.process.poll() is not None, 15)
    time.sleep(0.5)
    if x.process.poll() is None:
        assert "canary-pw" not in ringd.request(x.admin, "GET", "/health/ready").body.decode()
    x.stop()
    assert "canary-pw" not in x.text(), x.text()
