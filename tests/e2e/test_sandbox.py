"""The sandbox of the running daemon: what is in force in each role, what happens to a child that breaks out, and that everything
a child must still be able to do, it can. The acts themselves are tried in tests/unit/test_sandbox_linux.c."""
import ctypes
import os
import pathlib
import platform
import pwd
import shutil
import signal
import socket
import struct
import subprocess
import sys

import pytest

import ringd
from ringd import BIN, call_event, jwt, wait_for

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="Linux only")
needs_root = pytest.mark.skipif(os.getuid() != 0, reason="needs root")


def proc(pid, name):
    return dict(line.split(":", 1) for line in pathlib.Path(f"/proc/{pid}/{name}").read_text().splitlines() if ":" in line)


def confined(pid):
    fields = proc(pid, "status")
    return int(fields["NoNewPrivs"]), int(fields["Seccomp"])


def in_child(pid, expression):
    """Has a debugger make a libc call in a child: as near as an honest test comes to code that was taken over."""
    done = subprocess.run(["gdb", "-nx", "-batch", "-p", str(pid), "-ex", f"print {expression}"], capture_output=True, text=True,
                          timeout=60)
    return done.stdout + done.stderr


def instrumented(d):
    return "this build is instrumented" in d.text()


@pytest.fixture(scope="module")
def d(new_daemon):
    x = new_daemon(workers=2).start()
    yield x
    assert x.stop() == 0


@pytest.fixture(scope="module")
def tenant(d, pg):
    return ringd.Tenant(pg.dsn(d.database), "Sandbox")


def test_every_child_is_confined_and_says_so(d):
    children = d.status()["children"]
    assert {c["role"] for c in children} == {"worker", "reaper"}
    for c in children:
        assert confined(c["pid"]) == (1, 2), c
        lines = [x for x in d.text().splitlines() if f"[{c['pid']}]: sandbox: " in x]
        assert len(lines) == 1 and "no_new_privs, seccomp" in lines[0], lines
        assert instrumented(d) or "Landlock level" in lines[0], lines
    assert confined(d.process.pid) == (0, 0), "the master forks, and does not read what strangers send"


@needs_root
def test_no_core_and_nobody_looks_in(d):
    for c in d.status()["children"]:
        limits = pathlib.Path(f"/proc/{c['pid']}/limits").read_text()
        assert [x for x in limits.splitlines() if x.startswith("Max core file size")][0].split()[4:6] == ["0", "0"]
        assert os.stat(f"/proc/{c['pid']}/environ").st_uid == 0, "another process of the service user could read its memory"


@needs_root
def test_started_by_a_plain_user_it_is_the_same(new_daemon):
    """Without the change of ids, after which the kernel would close a process to others by itself."""
    x = new_daemon(workers=1)
    x.config.write_text("\n".join(line for line in x.config.read_text().splitlines() if not line.startswith("user")) + "\n")
    program, who = x.base / "ringd", pwd.getpwnam("postgres")
    shutil.copy(BIN / "ringd", program)
    for p in (x.base, x.config, program):
        os.chown(p, who.pw_uid, who.pw_gid)
    with open(x.log, "ab") as log:
        x.process = subprocess.Popen([str(program), "-d", "-f", str(x.config)], stdout=log, stderr=log, user="postgres",
                                     group="postgres", extra_groups=[], cwd="/")
    x.wait_ready()
    for c in x.status()["children"]:
        assert confined(c["pid"]) == (1, 2)
        assert os.stat(f"/proc/{c['pid']}/environ").st_uid == 0
    assert x.stop() == 0


@needs_root
@pytest.mark.parametrize("role", ["worker", "reaper"])
def test_breaking_out_kills_and_the_master_tells(d, tenant, role):
    if instrumented(d):
        pytest.skip("an instrumented build only logs")
    victim = d.pids(role)[0]
    in_child(victim, '(int)execve("/bin/true", 0, 0)')
    def said(sentence):
        return [x for x in d.text().splitlines() if sentence in x and f" child_pid={victim} " in x]
    wait_for("the master's word", lambda: said("child ended by its sandbox"), 10)
    [death] = wait_for("and what it does", lambda: said("child ended, started again"), 10)
    assert f'how="was killed by signal {signal.SIGSYS.value} (' in death, death
    wait_for("a successor", lambda: len(d.pids(role)) == (2 if role == "worker" else 1) and victim not in d.pids(role), 20)
    d.wait_ready()
    assert d.post(tenant.path, jwt(call_event(1), tenant.secret)).status == 200


@needs_root
def test_a_child_cannot_read_the_secrets_beside_its_own(d):
    """The service user may: the master's file lies there for it. The sandbox says no."""
    if instrumented(d):
        pytest.skip("an instrumented build is not fenced in")
    secret = d.base / "reaper.url"
    secret.write_text("postgresql://ringd_reaper:hunter2@/ringd")
    who = pwd.getpwnam("postgres")
    os.chown(secret, who.pw_uid, who.pw_gid)
    secret.chmod(0o400)
    for role in ("worker", "reaper"):
        pid = d.pids(role)[0]
        assert "$1 = -1" in in_child(pid, f'(int)open("{secret}", 0)')
        assert "$1 = -1" in in_child(pid, '(int)open("/etc/passwd-", 0)')
        assert "$1 = -1" not in in_child(pid, '(int)open("/etc/hosts", 0)')
        assert pid in d.pids(role)


def test_reload_changes_it(new_daemon, pg):
    d = new_daemon(workers=1).start()
    t = ringd.Tenant(pg.dsn(d.database), "Reload")
    for generation, (mode, seccomp, words) in enumerate((("off", (0, 0), "sandbox: none (it is off"),
                                                         ("log", (1, 2), "sandbox: logs only: "),
                                                         ("enforce", (1, 2), "sandbox: no_new_privs, seccomp")), 2):
        d.write(sandbox=mode)
        d.kill(signal.SIGHUP)
        wait_for(f"generation {generation}", lambda: d.status()["generation"] == generation and d.all_connected(), 20)
        pids = [c["pid"] for c in d.status()["children"] if c["generation"] == generation]
        assert len(pids) == 2 and {confined(p) for p in pids} == {seccomp}
        said = [x for x in d.text().splitlines() if any(f"[{p}]: sandbox: " in x for p in pids)]
        assert len(said) == 2 and (instrumented(d) or all(words in x for x in said)), said
        if mode == "log" and os.getuid() == 0:
            assert "$1 = -1" not in in_child(pids[0], "(int)dup(2)"), "what would have killed goes on"
            assert confined(pids[0]) == seccomp
        assert d.get("/api/calls", t.key).status == 200
    assert d.stop() == 0


@needs_root
def test_core_dumps_only_when_asked(new_daemon):
    d = new_daemon(workers=1, core_dumps="true").start()
    for c in d.status()["children"]:
        assert os.stat(f"/proc/{c['pid']}/environ").st_uid == pwd.getpwnam("postgres").pw_uid
        limit = [x for x in pathlib.Path(f"/proc/{c['pid']}/limits").read_text().splitlines() if x.startswith("Max core")][0].split()
        assert limit[4] == limit[5]
    assert d.text().count("core_dumps: true") == 2
    assert d.stop() == 0


def without(*calls):
    """Makes the process that follows live on a kernel that lacks these system calls (they answer ENOSYS)."""
    code = struct.pack("HBBI", 0x20, 0, 0, 0)
    for c in calls:
        code += struct.pack("HBBI", 0x15, 0, 1, c) + struct.pack("HBBI", 0x06, 0, 0, 0x00050000 | 38)
    code += struct.pack("HBBI", 0x06, 0, 0, 0x7fff0000)
    buffer = ctypes.create_string_buffer(code, len(code))
    program = ctypes.create_string_buffer(struct.pack("@HP", len(code) // 8, ctypes.addressof(buffer)))
    prctl = ctypes.CDLL(None).prctl
    prctl.argtypes = [ctypes.c_int] + [ctypes.c_ulong] * 4

    def install():
        assert prctl(38, 1, 0, 0, 0) == 0           # PR_SET_NO_NEW_PRIVS
        assert prctl(22, 2, ctypes.addressof(program), 0, 0) == 0 and buffer     # PR_SET_SECCOMP; it reads buffer
    return install


LANDLOCK = 444
SECCOMP = {"x86_64": 317, "aarch64": 277}


def start_without(d, *calls):
    with open(d.log, "ab") as log:
        d.process = subprocess.Popen([str(BIN / "ringd"), "-d", "-f", str(d.config)], stdout=log, stderr=log,
                                     preexec_fn=without(*calls))     # pylint: disable=subprocess-popen-preexec-fn


@pytest.mark.parametrize("lacking,words", [("landlock", "Landlock none (not in this kernel)"), ("seccomp", "seccomp none (not in this kernel)")])
def test_an_old_kernel_is_served_and_told(new_daemon, lacking, words):
    call = LANDLOCK if lacking == "landlock" else SECCOMP.get(platform.machine())
    if call is None:
        pytest.skip("the number of seccomp(2) is not known here")
    d = new_daemon(workers=1)
    start_without(d, call)
    d.wait_ready()
    lines = [x for x in d.text().splitlines() if "sandbox: in part: " in x]
    assert len(lines) == 2 and all(" warn " in x for x in lines), d.text()
    assert instrumented(d) or all(words in x for x in lines), lines
    assert d.stop() == 0
    d.write(sandbox="require")
    start_without(d, call)
    assert d.process.wait(20) == 2
    assert "sandbox: not as it must be" in d.text()


def test_require_is_content_here(new_daemon):
    d = new_daemon(workers=1, sandbox="require")
    d.start(ready=False)
    wait_for("its word", lambda: "sandbox: " in d.text(), 10)
    if instrumented(d):
        assert d.process.wait(20) == 2
        return
    d.wait_ready()
    assert d.stop() == 0


@pytest.fixture(scope="module")
def own(base):
    """A cluster that wants passwords over TCP, and that a test may stop."""
    server = ringd.Postgres(base / "pg-sandbox")
    with server.connect("postgres", "postgres").cursor() as c:
        c.execute("CREATE DATABASE ringd")
    server.psql("ringd", ringd.TOP / "sql/roles.sql")
    ringd.ringctl("migrate", "--dir", ringd.TOP / "sql", database=server.dsn("ringd"))
    with server.connect("postgres", "postgres").cursor() as c:
        for role in ("ringd_worker", "ringd_reaper"):
            c.execute(f"ALTER ROLE {role} PASSWORD 'first'")
    hba = server.data / "pg_hba.conf"
    hba.write_text(hba.read_text().replace("127.0.0.1/32            trust", "127.0.0.1/32            scram-sha-256"))
    server.stop()
    server.start()
    yield server
    server.stop("immediate")


def reaching(d, own, more):
    """Writes the configuration so that both roles go to the cluster by TCP."""
    d.pg = own
    d.write()
    text = d.config.read_text()
    for role in ("ringd_worker", "ringd_reaper"):
        text = text.replace(own.dsn("ringd", role), f"host=localhost port={own.port} dbname=ringd user={role} {more}")
    d.config.write_text(text)


def passwords(path, password):
    """Puts a new .pgpass in the old one's place, as editors and configuration managers do."""
    new = path.with_suffix(".new")
    new.write_text(f"*:*:*:*:{password}\n")
    new.chmod(0o600)
    if os.getuid() == 0:
        who = pwd.getpwnam("postgres")
        os.chown(new, who.pw_uid, who.pw_gid)
    new.replace(path)


def test_the_database_comes_back_by_name_with_passwords_from_a_file(new_daemon, own):
    """All from inside: a thread looks the name up, libpq reads the file, at each reconnect."""
    d = new_daemon("ringd", workers=1, database_keys={"reconnect_max": "500ms"})
    path = d.base / "pgpass"
    passwords(path, "first")
    reaching(d, own, f"passfile={path}")
    d.start()
    before = {c["pid"] for c in d.status()["children"]}
    own.stop("immediate")
    wait_for("it to be missed", lambda: ringd.request(d.admin, "GET", "/health/ready").status == 503, 10)
    own.start()
    d.wait_ready()
    assert {c["pid"] for c in d.status()["children"]} == before
    assert d.stop() == 0


def test_a_replaced_file_is_read_by_a_successor(new_daemon, own):
    """The password changes while the database is away. The children are fenced in with the old file; they notice, and leave."""
    d = new_daemon("ringd", workers=1, database_keys={"reconnect_max": "500ms"})
    path = d.base / "pgpass"
    passwords(path, "first")
    reaching(d, own, f"passfile={path}")
    d.start()
    before = {c["pid"] for c in d.status()["children"]}
    with own.connect("postgres", "postgres").cursor() as c:
        for role in ("ringd_worker", "ringd_reaper"):
            c.execute(f"ALTER ROLE {role} PASSWORD 'second'")
    own.stop("immediate")
    passwords(path, "second")
    own.start()
    d.wait_ready(40)
    if not instrumented(d):
        assert not before & {c["pid"] for c in d.status()["children"]}
        assert d.text().count(f"{path} has been replaced") == 2
    with own.connect("postgres", "postgres").cursor() as c:
        for role in ("ringd_worker", "ringd_reaper"):
            c.execute(f"ALTER ROLE {role} PASSWORD 'first'")
    assert d.stop() == 0


@needs_root
def test_syslog_and_its_restart(new_daemon, pg):
    """A /dev/log of the test's own, in a mount namespace; libc connects to it again from inside the sandbox."""
    d = new_daemon(workers=1, log={"to": "syslog"})
    t = ringd.Tenant(pg.dsn(d.database), "Syslog")
    dev = d.base / "dev"
    dev.mkdir()
    for name, major, minor in (("null", 1, 3), ("urandom", 1, 9)):
        os.mknod(dev / name, 0o666 | 0o020000, os.makedev(major, minor))
        (dev / name).chmod(0o666)

    def listen():
        s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        s.bind(str(dev / "log"))
        (dev / "log").chmod(0o666)
        s.settimeout(1)
        return s

    def hears(s, word):
        def look():
            d.get(f"/{word}", t.key)
            try:
                return word in s.recv(65536).decode()
            except socket.timeout:
                return False
        wait_for(f"{word} in the system log", look, 15)
    log = listen()
    d.process = subprocess.Popen(["unshare", "-m", "sh", "-c", 'mount --bind "$1" /dev && exec "$2" -F -f "$3"', "sh", str(dev),
                                  str(BIN / "ringd"), str(d.config)], stderr=subprocess.DEVNULL)
    d.wait_ready()
    hears(log, "before")
    log.close()
    (dev / "log").unlink()
    log = listen()
    hears(log, "after")
    assert d.stop() == 0
    log.close()
    shutil.rmtree(dev)
