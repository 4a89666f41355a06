"""The Dialpad simulator in a thread of the test, and a browser that walks through a connect."""
import http.client
import pathlib
import sys
import threading
import urllib.parse

import ringd

sys.path.insert(0, str(ringd.TOP / "tests/sim"))
import dialpad  # noqa: E402  (it lies beside, not in a package)

CLIENT_ID, CLIENT_SECRET = "ringd-test-client", "canary-client-secret-7f3a"


class Dialpad:
    def __init__(self):
        self.server = dialpad.make(dialpad.parse(["--client-id", CLIENT_ID, "--client-secret", CLIENT_SECRET]))
        self.port = self.server.server_address[1]
        self.sim = self.server.RequestHandlerClass.sim
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        self.thread.start()
        self.url = f"http://127.0.0.1:{self.port}"

    def allow_redirect(self, uri):
        self.sim.options.redirect_uri.append(uri)

    def set(self, **settings):
        with self.sim.lock:
            self.sim.settings.update(settings)

    def misbehave(self, times=1, **faults):
        with self.sim.lock:
            self.sim.faults.update({k.replace("__", "."): [v, times] for k, v in faults.items()})

    def count(self, name):
        with self.sim.lock:
            return self.sim.counts[name]

    def stop(self):
        self.server.shutdown()
        self.server.server_close()


class Browser:
    """Keeps cookies by host name as browsers do (ports do not count), follows nothing by itself."""

    def __init__(self):
        self.cookies = {}

    def get(self, url, method="GET", headers=None, body=None):
        u = urllib.parse.urlsplit(url)
        c = http.client.HTTPConnection(u.hostname, u.port, timeout=40)
        sent = {**({"Cookie": "; ".join(f"{k}={v}" for k, v in self.cookies.items())} if self.cookies else {}), **(headers or {})}
        try:
            c.request(method, u.path + ("?" + u.query if u.query else ""), body=body, headers=sent)
            r = c.getresponse()
            data = r.read()
            pairs = r.getheaders()
        finally:
            c.close()
        for k, v in pairs:
            if k.lower() == "set-cookie":
                name, _, rest = v.partition("=")
                value = rest.split(";")[0]
                self.cookies.pop(name, None)
                if value:
                    self.cookies[name] = value
        return ringd.Answer(r.status, {k.lower(): v for k, v in pairs}, data)

    def consent(self, authorize_url, decision="allow"):
        """What a person does on Dialpad's page; returns the address they are sent back to."""
        page = Browser().get(authorize_url)
        assert page.status == 200 and b"<button" in page.body, page
        sent = Browser().get(authorize_url, "POST", {"Content-Type": "application/x-www-form-urlencoded"}, f"decision={decision}")
        assert sent.status == 302, sent
        return sent.headers["location"]


def settings(sim, daemon_port, key_file, **more):
    """The configuration of a daemon that knows this simulator."""
    base = f"http://127.0.0.1:{daemon_port}"
    sim.allow_redirect(base + "/auth/dialpad/callback")
    return {"public_url": base, "courier": {"key_file": str(key_file), "allow_private": "true"},
            "dialpad": {"base_url": sim.url, "client_id": CLIENT_ID, "client_secret": CLIENT_SECRET, **more}}


def key_ring(folder, name="keys"):
    """A key ring the daemon will take: ours, and nobody else's."""
    path = pathlib.Path(folder) / name
    path.write_text("1:" + "5a" * 32 + ":2026-11-26T00:00:00.000Z\n")
    path.chmod(0o400)
    return path
