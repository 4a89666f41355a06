"""Who may use the admin listener's Unix socket, as the kernel says who is there."""
import os
import pwd
import signal
import stat
import subprocess

import pytest

import ringd
from ringd import BIN, wait_for

ASK = """
import http.client, socket, sys
class Unix(http.client.HTTPConnection):
    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(10)
        self.sock.connect(sys.argv[1])
c = Unix("localhost")
c.request(sys.argv[2], sys.argv[3])
r = c.getresponse()
print(r.status, r.read().decode())
"""


def ask(path, target, user=None, method="GET"):
    """(status, body) of a request by this user; None: by us."""
    who = {"user": user, "group": pwd.getpwnam(user).pw_gid, "extra_groups": []} if user else {}
    done = subprocess.run(["/usr/bin/python3", "-c", ASK, path, method, target], capture_output=True, text=True, timeout=30,
                          cwd="/", check=True, **who)
    status, _, body = done.stdout.partition(" ")
    return int(status), body


@pytest.fixture
def d(new_daemon):
    x = new_daemon().start()
    yield x
    x.stop()


as_root = pytest.mark.skipif(os.getuid() != 0, reason="needs root to become somebody else")


def test_the_socket_is_open_and_we_are_known(d):
    assert stat.S_IMODE(os.stat(d.socket).st_mode) == 0o666
    for target in ("/health/live", "/health/ready", "/status", "/metrics"):
        assert ask(d.socket, target)[0] == 200, target
    assert subprocess.run([BIN / "ringctl", "status", "--admin", f"unix:{d.socket}"], capture_output=True, timeout=20,
                          check=False).returncode == 0


@as_root
def test_strangers_get_health_and_nothing_else(d):
    assert ask(d.socket, "/status", "postgres")[0] == 200, "the user the daemon runs as"
    assert ask(d.socket, "/health/live", "nobody")[0] == 200
    assert ask(d.socket, "/health/ready", "nobody")[0] == 200
    for target in ("/status", "/metrics"):
        status, body = ask(d.socket, target, "nobody")
        assert status == 403 and '"success":false' in body and '"code":"forbidden"' in body and "request_id" in body, body
        assert "ringd_" not in body and "children" not in body
    assert ask(d.socket, "/status", "nobody", "HEAD")[0] == 403
    assert ask(d.socket, "/nowhere", "nobody")[0] == 404
    uid = pwd.getpwnam("nobody").pw_uid
    assert f"refused to this user route=status uid={uid}" in d.text() and f"route=metrics uid={uid}" in d.text()
    assert ringd.request(d.admin, "GET", "/status").status == 200, "TCP cannot tell, and may read"


@as_root
def test_a_reload_lets_others_in_and_out_again(d):
    assert ask(d.socket, "/metrics", "nobody")[0] == 403
    d.write(admin_keys={"users": "[nobody]"})
    d.kill(signal.SIGHUP)
    wait_for("the reload", lambda: d.status()["generation"] == 2 and d.all_connected(), 20)
    wait_for("nobody to be let in", lambda: ask(d.socket, "/metrics", "nobody")[0] == 200, 10)
    # By his own group, too.
    d.write(admin_keys={"groups": "[nogroup]"})
    d.kill(signal.SIGHUP)
    wait_for("the reload", lambda: d.status()["generation"] == 3 and len(d.status()["children"]) == 3, 20)
    assert ask(d.socket, "/metrics", "nobody")[0] == 200
    d.write(admin_keys={})
    d.kill(signal.SIGHUP)
    wait_for("the reload", lambda: d.status()["generation"] == 4 and len(d.status()["children"]) == 3, 20)
    assert ask(d.socket, "/metrics", "nobody")[0] == 403


@as_root
def test_ringctl_says_why_it_may_not(d):
    program = d.base / "ringctl"
    program.write_bytes((BIN / "ringctl").read_bytes())
    program.chmod(0o755)
    done = subprocess.run([program, "status", "--admin", f"unix:{d.socket}"], capture_output=True, text=True, timeout=20,
                          user="nobody", group=pwd.getpwnam("nobody").pw_gid, extra_groups=[], cwd="/", check=False)
    assert done.returncode == 1 and "admin.users" in done.stderr and done.stdout == ""


def test_a_name_that_nobody_has_is_refused(d):
    good = d.config.read_text()
    for key in ("users", "groups"):
        d.write(admin_keys={key: "[no-such-name-here]"})
        done = subprocess.run([BIN / "ringd", "-n", "-f", d.config], capture_output=True, text=True, timeout=20, check=False)
        assert done.returncode == 2 and f"admin.{key}: there is no" in done.stderr, done
    d.kill(signal.SIGHUP)
    wait_for("the reason", lambda: 'reload failed reason="admin.groups: there is no group' in d.text(), 10)
    assert d.status()["generation"] == 1
    d.config.write_text(good)
