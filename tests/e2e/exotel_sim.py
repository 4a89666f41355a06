"""The Exotel simulator in a thread of the test, and what a daemon that knows it is configured with."""
import pathlib
import sys
import threading

import ringd

sys.path.insert(0, str(ringd.TOP / "tests/sim"))
import exotel  # noqa: E402  (it lies beside, not in a package)

ACCOUNT, APP_TOKEN, API_KEY, API_TOKEN = "acme1", "canary-app-token-51c2e0", "canary-api-key-9d1f", "canary-api-token-77ab3e"
SIP_SECRET = "canary-sip-secret-a7"
CALLER_ID = "08040001234"
CANARIES = (APP_TOKEN, API_KEY, API_TOKEN, SIP_SECRET)


class Exotel:
    def __init__(self):
        self.server = exotel.make(exotel.parse(["--account", ACCOUNT, "--app-token", APP_TOKEN, "--api-key", API_KEY, "--api-token", API_TOKEN]))
        self.port = self.server.server_address[1]
        self.sim = self.server.RequestHandlerClass.sim
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        self.thread.start()
        self.url = f"http://127.0.0.1:{self.port}"

    def set(self, **settings):
        with self.sim.lock:
            self.sim.settings.update(settings)

    def misbehave(self, times=1, **faults):
        with self.sim.lock:
            self.sim.faults.update({k: [v, times] for k, v in faults.items()})

    def count(self, name):
        with self.sim.lock:
            return self.sim.counts[name]

    def call(self, sid):
        with self.sim.lock:
            return dict(self.sim.calls[sid])

    def stop(self):
        self.server.shutdown()
        self.server.server_close()


def settings(sim, daemon_port, key_file, **more):
    """The configuration of a daemon that knows this simulator."""
    return {"public_url": f"http://127.0.0.1:{daemon_port}", "courier": {"key_file": str(key_file), "allow_private": "true"},
            "exotel": {"base_url": sim.url, "api_url": sim.url, **more}}


def credentials(folder, name="exotel.credentials", **changes):
    """A file such as an administrator hands to ringctl."""
    values = {"account_sid": ACCOUNT, "app_token": APP_TOKEN, "exotel_app_id": "app-1", "customer_id": "c-1", "api_key": API_KEY, "api_token": API_TOKEN,
              "caller_id": CALLER_ID, **changes}
    path = pathlib.Path(folder) / name
    path.write_text("".join(f"{k}={v}\n" for k, v in values.items() if v is not None))
    path.chmod(0o600)
    return path


def link(d, dsn, app, **changes):
    """ringctl exotel link, and what it answered."""
    return ringd.ringctl("exotel", "link", app, "--credentials-file", str(credentials(d.base, **changes)), database=dsn, config=d.config)


def add_agent(d, dsn, app, agent="agent7", mode="webrtc", sip_user="ashar9f2c", secret=SIP_SECRET, phone="+919800000001", **options):
    """ringctl agent add, and what it answered."""
    args = ["agent", "add", app, agent, "--mode", mode, "--name", "Asha Rao", "--phone", phone]
    if mode == "webrtc":
        file = pathlib.Path(d.base) / f"{agent}.secret"
        file.write_text(secret + "\n")
        args += ["--sip-user", sip_user, "--sip-secret-file", str(file)]
    for k, v in options.items():
        args += ["--" + k.replace("_", "-"), v]
    return ringd.ringctl(*args, database=dsn, config=d.config)
