"""A million requests through fifty reloads and five upgrades: how many fail? Prints the figures and exits 1 unless none did.

Keep-alive clients, clients with a connection per request, webhook senders, and clients that think between two requests, all at once
against a daemon and a PostgreSQL of their own. SOAK_REQUESTS (1000000), SOAK_SECONDS (1800 at the most), SOAK_RELOADS (50),
SOAK_UPGRADES (5). Bounded; loopback only.
"""
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time

TOP = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(TOP / "tests/e2e"))
import ringd  # noqa: E402

REQUESTS, SECONDS = int(os.environ.get("SOAK_REQUESTS", "1000000")), int(os.environ.get("SOAK_SECONDS", "1800"))
RELOADS, UPGRADES = int(os.environ.get("SOAK_RELOADS", "50")), int(os.environ.get("SOAK_UPGRADES", "5"))
KEEP, ONESHOT, SENDERS, SLEEPY = 16, 16, 16, 64


def note(text):
    print(text, flush=True)


class Client:
    """soak_client, and how far it is."""

    def __init__(self, program, d, tenant, bodies):
        self.started, self.complaints = 0, []
        self.process = subprocess.Popen([str(program), *map(str, (d.port, REQUESTS, SECONDS, tenant.key, tenant.path, bodies, KEEP, ONESHOT,
                                                                  SENDERS, SLEEPY))], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.thread = threading.Thread(target=self.read)
        self.thread.start()

    def read(self):
        for line in self.process.stderr:
            if line.startswith("progress "):
                self.started = int(line.split()[1])
            else:
                self.complaints.append(line.rstrip())

    def outcome(self):
        out = self.process.stdout.read()
        self.thread.join()
        self.process.wait()
        return json.loads(out)


def write_bodies(path, tenant, n):
    sample = ringd.SAMPLES[2]
    with open(path, "w", encoding="ascii") as f:
        for i in range(n):
            f.write(ringd.jwt({**sample, "call_id": 6000000000000000 + i}, tenant.secret) + "\n")


def change(d, i, spent):
    """Every so often an upgrade, else a reload that changes the number of workers and a limit."""
    upgrade = UPGRADES > 0 and i % (1 + RELOADS // UPGRADES) == RELOADS // UPGRADES // 2
    if not upgrade:
        d.write(workers=2 + i % 2, json={"depth": 64 + i % 7})
    began = time.monotonic()
    answer = ringd.ringctl("upgrade" if upgrade else "reload", config=d.config)
    assert answer["ok"], answer
    spent["upgrade" if upgrade else "reload"].append(time.monotonic() - began)


def run(base, program):
    pg = ringd.Postgres(base / "pg")
    d = None
    try:
        with pg.connect("postgres", "postgres") as c:
            c.cursor().execute("CREATE DATABASE soak")
        pg.psql("soak", TOP / "sql/roles.sql")
        ringd.ringctl("migrate", "--dir", TOP / "sql", database=pg.dsn("soak"))
        d = ringd.Daemon(base / "d", pg, "soak", workers=2, log={"access": "false"}).start()
        tenant = ringd.Tenant(pg.dsn("soak"), "soak")
        events = REQUESTS // 5
        write_bodies(base / "bodies", tenant, events)
        note(f"machine: {os.cpu_count()} cores, load average {os.getloadavg()[0]:.2f}; {REQUESTS} requests of {KEEP} keep-alive, {ONESHOT} one-shot "
             f"and {SLEEPY} thinking clients and {SENDERS} webhook senders")
        client, spent, total = Client(program, d, tenant, base / "bodies"), {"reload": [], "upgrade": []}, RELOADS + UPGRADES
        for i in range(total):
            while client.started < (i + 1) * REQUESTS // (total + 2) and client.process.poll() is None:
                time.sleep(0.05)
            change(d, i, spent)
        answer = client.outcome()
        for line in client.complaints[:20]:
            note("  " + line)
        with pg.connect("soak") as c, c.cursor() as q:
            q.execute("SELECT count(*), count(DISTINCT leg_id) FROM webhook_events")
            stored, distinct = q.fetchone()
        text = d.text()
        note(json.dumps(answer, indent=1))
        for what, times in spent.items():
            if times:
                note(f"{what}s: {len(times)}, {min(times):.2f} to {max(times):.2f} s each, {sum(times) / len(times):.2f} s on average")
        note(f"webhooks: {answer['webhooks']} answered 200, {stored} stored, {distinct} of them different")
        note(f"log: {text.count(' error ')} errors, {text.count(' warn ')} warnings")
        good = answer["failed"] == 0 and answer["requests"] >= REQUESTS - 1 and len(spent["reload"]) == RELOADS and len(spent["upgrade"]) == UPGRADES \
            and stored == distinct == answer["webhooks"]
        note(f"failed = {answer['failed']}: {'good' if good else 'NOT GOOD'}")
        return good
    finally:
        if d:
            d.stop_master(signal.SIGTERM)
        pg.stop("immediate")


def main():
    program = pathlib.Path(sys.argv[1])
    base = pathlib.Path(tempfile.mkdtemp(prefix="ringd-soak-", dir="/tmp"))
    base.chmod(0o755)
    try:
        sys.exit(0 if run(base, program) else 1)
    finally:
        shutil.rmtree(base, ignore_errors=True)


main()
