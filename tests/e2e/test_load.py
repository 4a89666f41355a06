"""A short load with wrk: no error, and a worker killed on the way costs only what it had under way."""
import os
import re
import shutil
import signal
import subprocess
import time

import pytest

import ringd
from ringd import wait_for

pytestmark = pytest.mark.skipif(not shutil.which("wrk"), reason="needs wrk")
CONNECTIONS = 32


@pytest.fixture(scope="module")
def tenant(daemon, pg, db):
    t = ringd.Tenant(pg.dsn(daemon.database), "Load")
    with db.cursor() as c:
        c.execute("""INSERT INTO calls (app_id, id, provider, provider_call_id, status, started_at)
                     SELECT %s, gen_random_uuid(), 'dialpad', i::text, 'ringing', now() - i * interval '1 s' FROM generate_series(1, 20) i""",
                  (t.id,))
        c.execute("UPDATE api_keys SET rate_limit = 0, rate_window = 1 WHERE app_id = %s", (t.id,))
    return t


def start(daemon, tenant, seconds):
    return subprocess.Popen(["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{seconds}", "-H", f"x-app-api-key: {tenant.key}",
                             f"http://127.0.0.1:{daemon.port}/api/calls/active"], stdout=subprocess.PIPE, text=True)


def outcome(process):
    text = process.communicate(timeout=60)[0]
    requests = int(re.search(r"(\d+) requests in", text)[1])
    errors = re.search(r"Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)", text)
    return requests, [int(x) for x in errors.groups()] if errors else [0, 0, 0, 0], "Non-2xx" in text, text


def test_no_error(daemon, tenant):
    requests, errors, bad, text = outcome(start(daemon, tenant, 3))
    assert requests > 300 and errors == [0, 0, 0, 0] and not bad, text


def test_a_killed_worker_loses_only_its_own(daemon, tenant):
    wrk = start(daemon, tenant, 4)
    time.sleep(1.5)
    os.kill(daemon.pids("worker")[0], signal.SIGKILL)
    requests, errors, bad, text = outcome(wrk)
    # One request under way per connection at the most, on that worker's connections only; everybody else goes on.
    assert requests > 300 and sum(errors[:3]) <= CONNECTIONS and errors[3] == 0 and not bad, text
    wait_for("its successor", lambda: len(daemon.pids("worker")) == 2, 20)
