"""Certificates as files: checked before they serve, replaced by a reload, watched until they end, and kept from those who need no key."""
import base64
import datetime
import os
import pathlib
import re
import shutil
import signal
import socket
import ssl
import subprocess

import pytest

import ringd
from ringd import BIN, call_event, jwt, wait_for
from test_http import get
from test_tls import certificates, connect, https, listen, strict


class Files:
    """A place in the configuration where certificates come and go."""

    def __init__(self, base, pair, ocsp=None):
        self.base = base
        self.base.mkdir(exist_ok=True)
        self.cert, self.key, self.ocsp = base / "cert.pem", base / "key.pem", base / "ocsp.der" if ocsp else None
        self.put(pair, ocsp)

    def put(self, pair, ocsp=None):
        shutil.copy(pair[0], self.cert)
        shutil.copy(pair[1], self.key)
        self.key.chmod(0o600)
        if ocsp:
            shutil.copy(ocsp, self.ocsp)

    @property
    def setting(self):
        return certificates((self.cert, self.key) + ((self.ocsp,) if self.ocsp else ()))


@pytest.fixture
def make(new_daemon, base):
    """A daemon with one TLS listener on files of its own."""
    made = []

    def new(pair, ocsp=None, **settings):
        port = ringd.free_port()
        d = new_daemon(listen=listen(port), workers=settings.pop("workers", 1))
        d.port, d.files = port, Files(d.base / "tls", pair, ocsp)
        d.write(tls={"certificates": d.files.setting, **settings.pop("tls", {})}, **settings)
        made.append(d)
        return d
    yield new
    for d in made:
        if d.process and d.process.poll() is None:
            d.stop()


def serial(port, name="ringd.test"):
    c = ssl._create_unverified_context()
    with socket.create_connection(("127.0.0.1", port), timeout=5) as raw, c.wrap_socket(raw, server_hostname=name) as s:
        return s.getpeercert(True)


def check(d):
    return subprocess.run([str(BIN / "ringd"), "-n", "-f", str(d.config)], capture_output=True, text=True, timeout=20, check=False)


def shifted(days):
    return {"RINGD_TEST_CLOCK_OFFSET_MS": str(days * 86400000)}


def start_shifted(d, days):
    """With a clock so far off it is not ready, and serves all the same."""
    d.start(ready=False, environment=shifted(days))

    def serves():
        assert d.process.poll() is None, d.text()
        try:
            return d.all_connected()
        except OSError:
            return False
    wait_for("it to serve", serves, 30)
    return d


class TestReload:
    def test_a_renewed_certificate_drops_no_request(self, ca, make, pg):
        first, renewed = ca.server("ringd.test"), ca.server("ringd.test")
        d = make(first).start()
        tenant = ringd.Tenant(pg.dsn(d.database), "Reload")
        body = jwt(call_event(1), tenant.secret).encode()
        old = serial(d.port)
        with connect(ca, d.port) as s:
            s.sendall(f"POST {tenant.path} HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body[:10])
            d.files.put(renewed)
            d.kill(signal.SIGHUP)
            wait_for("the next generation", lambda: d.status()["generation"] == 2, 20)
            assert 'configuration change="tls.certificates: changed"' in d.text()
            # An old worker may take one more connection until it has read that it is to drain.
            wait_for("the new certificate", lambda: serial(d.port) != old, 5)
            s.sendall(body[10:])
            assert s.recv(65536).startswith(b"HTTP/1.1 200")

    def test_nothing_changed_is_not_called_a_change(self, ca, make):
        d = make(ca.server("ringd.test")).start()
        d.kill(signal.SIGHUP)
        wait_for("the next generation", lambda: d.status()["generation"] == 2, 20)
        assert "tls.certificates: changed" not in d.text()

    @pytest.mark.parametrize("fault,words", [
        ("foreign key", "key.pem does not belong to the certificate"), ("open key", "open to every user (mode 0644)"),
        ("no key", "key.pem cannot be opened"), ("garbage", "cert.pem holds no certificate in PEM form"),
        ("no chain order", "cert.pem is out of order: certificate 2 did not issue certificate 1"),
        ("own last", "cert.pem has the key's certificate as number 2: it must come first"),
        ("half a file", "cert.pem cannot be read as PEM"), ("locked key", "key.pem is locked with a passphrase"),
        ("short key", "cert.pem cannot serve"),
    ])
    def test_a_bad_file_changes_nothing(self, ca, make, fault, words):
        pair, other = ca.server("ringd.test"), ca.server("other.test")
        d = make(pair).start()
        before, old = d.status(), serial(d.port)
        f = d.files
        if fault == "foreign key":
            shutil.copy(other[1], f.key)
        elif fault == "open key":
            f.key.chmod(0o644)
        elif fault == "no key":
            f.key.unlink()
        elif fault == "garbage":
            f.cert.write_text("nothing\n")
        elif fault == "no chain order":
            f.cert.write_bytes(pair[0].with_suffix(".crt").read_bytes() + ca.root[0].read_bytes())
        elif fault == "own last":
            f.cert.write_bytes(ca.inter[0].read_bytes() + pair[0].with_suffix(".crt").read_bytes())
        elif fault == "half a file":
            f.cert.write_bytes(pair[0].read_bytes()[:900])
        elif fault == "locked key":
            f.key.write_bytes(subprocess.run(["openssl", "ec", "-in", pair[1], "-aes128", "-passout", "pass:x"], capture_output=True, check=True).stdout)
        elif fault == "short key":
            f.put(ca.server("ringd.test", key=1024))
        key_at = [i for i, line in enumerate(d.config.read_text().splitlines(), 1) if "certificates:" in line][0]
        d.kill(signal.SIGHUP)
        wait_for("the reason in the log", lambda: "reload failed" in d.text(), 10)
        line = [x for x in d.text().splitlines() if "reload failed" in x][-1]
        assert re.search(re.escape(str(d.config)) + rf":{key_at}:\d+: ", line) and words in line, line
        after = d.status()
        assert after["generation"] == 1 and [c["pid"] for c in after["children"]] == [c["pid"] for c in before["children"]]
        assert serial(d.port) == old
        done = check(d)
        assert done.returncode == 2 and words in done.stderr, done
        f.put(other)
        d.kill(signal.SIGHUP)
        wait_for("a good file to be taken", lambda: d.status()["generation"] == 2, 20)

    def test_one_name_needs_one_certificate(self, ca, make):
        d = make(ca.server("ringd.test"))
        twin = ca.server("other.test", "RINGD.test")
        d.write(tls={"certificates": certificates((d.files.cert, d.files.key), twin)})
        done = check(d)
        assert done.returncode == 2 and 'is for "ringd.test", and so is the certificate of line' in done.stderr, done

    def test_from_plain_to_tls_and_back_on_one_address(self, ca, make):
        d = make(ca.server("ringd.test")).start()
        d.write(listen=f"\n  - address: 127.0.0.1:{d.port}")
        d.kill(signal.SIGHUP)
        wait_for("plain", lambda: d.status()["generation"] == 2, 20)
        assert d.get("/x").status == 404
        d.write(listen=listen(d.port))
        d.kill(signal.SIGHUP)
        wait_for("TLS", lambda: d.status()["generation"] == 3, 20)
        assert https(ca, d.port, "GET", "/x").status == 404

    def test_an_idle_connection_is_ended_properly(self, ca, make):
        d = make(ca.server("ringd.test")).start()
        with strict(ca, d.port) as s:
            s.sendall(get(b"/x", b"Host: x"))
            assert s.recv(65536).startswith(b"HTTP/1.1 404")
            d.kill(signal.SIGHUP)
            assert s.recv(100) == b""


class TestOcsp:
    def staple(self, port):
        done = subprocess.run(["openssl", "s_client", "-connect", f"127.0.0.1:{port}", "-servername", "ringd.test", "-status"],
                              stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=20, check=False)
        return done.stdout

    def test_stapled(self, ca, make):
        pair = ca.server("ringd.test")
        d = make(pair, ca.ocsp(pair[0])).start()
        out = self.staple(d.port)
        assert "OCSP Response Status: successful" in out and "Cert Status: good" in out, out

    def test_an_old_one_is_kept_back(self, ca, make):
        pair = ca.server("ringd.test")
        d = make(pair, ca.ocsp(pair[0], days=2)).start(environment=shifted(3))
        assert "OCSP response: no response sent" in self.staple(d.port)
        assert re.search(r"warning: .*ocsp\.der is out of date since", d.text())

    @pytest.mark.parametrize("fault,words", [("other", "is about another certificate"), ("revoked", "says that the certificate is revoked"),
                                             ("garbage", "is not an OCSP response in DER form")])
    def test_a_bad_one_is_refused(self, ca, make, fault, words):
        pair, other = ca.server("ringd.test"), ca.server("other.test")
        answer = ca.ocsp(other[0]) if fault == "other" else ca.ocsp(pair[0], revoked=fault == "revoked")
        if fault == "garbage":
            answer.write_bytes(b"nothing")
        done = check(make(pair, answer))
        assert done.returncode == 2 and words in done.stderr and "ocsp.der" in done.stderr, done


class TestExpiry:
    def test_days_left_in_status(self, ca, make):
        d = make(ca.server("ringd.test", days=90)).start()
        found = d.status()["certificates"]
        assert [c["name"] for c in found] == ["ringd.test"] and found[0]["days_left"] in (89, 90)
        end = datetime.datetime.fromisoformat(found[0]["not_after"].replace("Z", "+00:00"))
        assert 89 < (end - datetime.datetime.now(datetime.timezone.utc)).total_seconds() / 86400 < 90.01
        done = subprocess.run([str(BIN / "ringctl"), "-f", str(d.config), "status"], capture_output=True, text=True, timeout=20, check=True)
        assert re.search("certificate ringd.test: (89|90) days left, until 20", done.stdout), done.stdout

    @pytest.mark.parametrize("days,words", [(58, None), (61, "(28|29)"), (77, "(12|13)"), (88, "[12]")])
    def test_told_before_the_end(self, ca, make, days, words):
        d = make(ca.server("ringd.test", days=90), workers=3)
        start_shifted(d, days)
        lines = [x for x in d.text().splitlines() if "certificate ends soon certificate=ringd.test days=" in x]
        assert len(lines) == (1 if words else 0) and (not words or re.search(f" days={words} file=\\S+ not_after=20", lines[0])), lines
        if words:
            d.kill(signal.SIGHUP)
            wait_for("it to be told again after a reload", lambda: d.text().count("certificate ends soon certificate=ringd.test days=") == 2, 20)

    def test_told_after_the_end_and_still_served(self, ca, make):
        d = make(ca.server("ringd.test", days=90))
        start_shifted(d, 95)
        assert re.search(r"warning: .*cert\.pem expired on", d.text()) and "certificate has ended certificate=ringd.test days_ago=5 file=" in d.text()
        assert d.status()["certificates"][0]["days_left"] < 0
        assert https(ca, d.port, "GET", "/x").status == 404     # the client's clock is right


class TestSecrets:
    @staticmethod
    def holds(pid, needle):
        """Is it anywhere in the memory a process can write?"""
        with open(f"/proc/{pid}/maps", encoding="ascii", errors="replace") as maps, open(f"/proc/{pid}/mem", "rb", buffering=0) as mem:
            for line in maps:
                span, rights = line.split()[:2]
                if not rights.startswith("rw"):
                    continue
                low, high = (int(x, 16) for x in span.split("-"))
                try:
                    mem.seek(low)
                    if needle in mem.read(high - low):
                        return True
                except OSError:
                    continue
        return False

    @pytest.mark.skipif(os.getuid() != 0, reason="needs root")
    def test_only_workers_and_the_master_hold_private_keys(self, ca, make):
        pair = ca.server("ringd.test", key=2048)
        d = make(pair, workers=2).start()
        line = pair[1].read_bytes().splitlines()[5]
        assert self.holds(d.process.pid, line) and self.holds(d.pids("worker")[0], line)
        assert not self.holds(d.pids("reaper")[0], line)
        # Nor in the form it is used in.
        number = base64.b64decode(b"".join(pair[1].read_bytes().splitlines()[1:-1]))
        assert not self.holds(d.pids("reaper")[0], number[400:440])

    def test_only_workers_share_the_keys_of_tickets_and_the_counts_of_limits(self, ca, make):
        d = make(ca.server("ringd.test")).start()

        def shared(pid):
            return pathlib.Path(f"/proc/{pid}/maps").read_text().count("/dev/zero (deleted)")
        assert shared(d.pids("worker")[0]) == shared(d.pids("reaper")[0]) + 1 + 3

    def test_ringctl_needs_no_key(self, ca, make):
        d = make(ca.server("ringd.test"))
        d.files.key.unlink()
        done = subprocess.run([str(BIN / "ringctl"), "-f", str(d.config), "config", "check"], capture_output=True, text=True, timeout=20, check=False)
        assert done.returncode == 0, done

    @pytest.mark.skipif(os.getuid() != 0, reason="needs root")
    def test_keys_are_read_before_privileges_are_dropped(self, ca, make):
        d = make(ca.server("ringd.test"))
        assert d.files.key.stat().st_uid == 0 and d.files.key.stat().st_mode & 0o077 == 0
        d.files.base.chmod(0o700)
        d.start()
        assert https(ca, d.port, "GET", "/x").status == 404
        os.kill(d.pids("worker")[0], signal.SIGKILL)
        wait_for("its successor to serve", lambda: d.status()["restarts"] == 1 and len(d.pids("worker")) == 1, 20)
        assert https(ca, d.port, "GET", "/x").status == 404


def test_config_faults_have_their_place(make, ca):
    d = make(ca.server("ringd.test"))
    good = d.config.read_text()
    port = ringd.free_port()

    def fault(**changes):
        saved = dict(d.settings)
        d.write(**changes)
        done = check(d)
        d.settings = saved
        assert done.returncode == 2, done
        assert re.match(rf"ringd: {re.escape(str(d.config))}:\d+:\d+: ", done.stderr), done.stderr
        return done.stderr
    assert 'needs a certificate in "tls.certificates"' in fault(tls={"certificates": "[]"})
    assert "do not go together" in fault(listen=f"\n  - address: 127.0.0.1:{port}\n    tls: true\n    redirect: true")
    assert 'needs another listener with "tls: true"' in fault(listen=f"\n  - address: 127.0.0.1:{port}\n    redirect: true")
    assert 'missing key "key"' in fault(tls={"certificates": f"[{{cert: {d.files.cert}}}]"})
    assert "would serve plain HTTP" in fault(listen=f"\n  - address: 0.0.0.0:{port}")
    assert "1.2 or 1.3" in fault(tls={"certificates": d.files.setting, "min_version": "1.1"})
    assert "did you mean" in fault(tls={"certificate": "x"})
    d.config.write_text(good.replace(f"listen:\n    - address: 127.0.0.1:{d.admin}", f"listen:\n    - address: 127.0.0.1:{d.admin}\n      tls: true"))
    assert "plain HTTP only" in check(d).stderr
    d.write(listen=f"\n  - address: 0.0.0.0:{port}\n    tls: true\n  - address: 0.0.0.0:{ringd.free_port()}\n    redirect: true")
    assert check(d).returncode == 0, "TLS and redirects may face the world"
