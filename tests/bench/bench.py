"""Measures ringd on this machine: reads and webhooks per second, latency, memory. Prints a table, keeps every raw output in build/bench.

Load, daemon and database share the machine, so ratios side by side in one run say more than the rates. Bounded; loopback only.
"""
import json
import os
import pathlib
import re
import resource
import shutil
import socket
import subprocess
import sys
import tempfile
import time

TOP = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(TOP / "tests/e2e"))
import ringd  # noqa: E402

SECONDS = int(os.environ.get("BENCH_SECONDS", "8"))
APPS, CALLS, ACTIVE = 50, 2000, 20
EVENTS = int(os.environ.get("BENCH_EVENTS", "60000"))
OUT = TOP / "build/bench"


def note(text):
    print(text, flush=True)


def wrk(name, url, connections, script, seconds=SECONDS):
    done = subprocess.run(["wrk", "-t1", f"-c{connections}", f"-d{seconds}", "--latency", "-s", str(script), url],
                          capture_output=True, text=True, timeout=seconds + 60, check=True)
    (OUT / f"{name}.txt").write_text(done.stdout)
    rate = float(re.search(r"Requests/sec:\s+([\d.]+)", done.stdout)[1])
    p99 = re.search(r"^\s+99%\s+(\S+)$", done.stdout, re.M)[1]
    p50 = re.search(r"^\s+50%\s+(\S+)$", done.stdout, re.M)[1]
    bad = re.search(r"Non-2xx or 3xx responses: (\d+)", done.stdout)
    errors = re.search(r"Socket errors: (.*)", done.stdout)
    note(f"  {name:34} {rate:10.0f}/s   p50 {p50:>9} p99 {p99:>9}   non-2xx {bad[1] if bad else 0}   {errors[1] if errors else 'no socket error'}")
    return rate


def pss(pid):
    text = pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text()
    return int(re.search(r"^Pss:\s+(\d+)", text, re.M)[1])


def memory(d, when):
    status = d.status()
    parts = [f"master {pss(d.process.pid)}"] + [f"{c['role']} {c['index']} {pss(c['pid'])}" for c in status["children"]]
    note(f"  memory {when:27} PSS kB: " + ", ".join(parts))


def lua(path, setup, request):
    path.write_text(setup + "\nlocal n = 0\nfunction request()\n  n = n + 1\n" + request + "\nend\n")
    return path


def read_scripts(work, keys, ids):
    keys_lua = "local keys = {" + ",".join(f'"{k}"' for k in keys) + "}"
    ids_lua = "local ids = {" + ",".join(f'{{"{k}","{i}"}}' for k, i in ids) + "}"

    def by_key(path):
        return f'  return wrk.format("GET", "{path}", {{["x-app-api-key"] = keys[n % #keys + 1]}})'
    return {
        "calls/active (20 calls)": lua(work / "active.lua", keys_lua, by_key("/api/calls/active")),
        "calls?limit=20, page 1 + total": lua(work / "list.lua", keys_lua, by_key("/api/calls?limit=20")),
        "calls/{id}": lua(work / "id.lua", ids_lua, '  local e = ids[n % #ids + 1]\n'
                          '  return wrk.format("GET", "/api/calls/" .. e[2], {["x-app-api-key"] = e[1]})'),
        "401 without a key (HTTP alone)": lua(work / "nokey.lua", "", '  return wrk.format("GET", "/api/calls/active")'),
    }


def fill(pg, database):
    keys, ids = [], []
    with pg.connect(database) as c, c.cursor() as q:
        for a in range(APPS):
            q.execute("SELECT id, api_key FROM create_app(%s)", (f"bench {a}",))
            app, key = q.fetchone()
            keys.append(key)
            q.execute("""INSERT INTO calls (app_id, id, provider, provider_call_id, dialpad_call_id, direction, from_number, to_number, status,
                             outcome, started_at, ended_at, talk_time_ms, agent_id, agent_name, agent_email)
                         SELECT %s, gen_random_uuid(), 'dialpad', i::text, 5031100220000000 + i, 'inbound', '+1555014' || i %% 9999, '+15550100101',
                             CASE WHEN i <= %s THEN 'active' ELSE 'ended' END, CASE WHEN i > %s THEN 'answered' END, now() - i * interval '1 minute',
                             CASE WHEN i > %s THEN now() END, 60000, '56001', 'Dana Ortiz', 'dana@example.com' FROM generate_series(1, %s) i
                         RETURNING id::text""", (app, ACTIVE, ACTIVE, ACTIVE, CALLS))
            ids += [(key, r[0]) for r in q.fetchmany(40)]
        q.execute("VACUUM ANALYZE")
    return keys, ids


def webhook_script(work, tenant, connections):
    bodies = work / f"bodies-{connections}"
    sample = ringd.SAMPLES[2]
    base = 6000000000000000 + connections * 10 ** 9
    with open(bodies, "w", encoding="ascii") as f:
        for i in range(EVENTS):
            f.write(ringd.jwt({**sample, "call_id": base + i}, tenant.secret) + "\n")
    return lua(work / f"hook-{connections}.lua", f'local bodies = {{}}\nfor line in io.lines("{bodies}") do bodies[#bodies + 1] = line end',
               f'  return wrk.format("POST", "{tenant.path}", {{["Content-Type"] = "application/jwt"}}, bodies[(n - 1) % #bodies + 1])')


def queue_rate(pg, database, label):
    """How fast the reaper drains what waits now."""
    with pg.connect(database) as c, c.cursor() as q:
        q.execute("SELECT count(*) FROM webhook_queue")
        waiting, began = q.fetchone()[0], time.monotonic()
        while waiting and time.monotonic() - began < 120:
            q.execute("SELECT NOT EXISTS (SELECT 1 FROM webhook_queue)")
            if q.fetchone()[0]:
                break
            time.sleep(0.02)
        spent = time.monotonic() - began
    note(f"  {label:34} {waiting} events waited, drained in {spent:.2f} s" + (f", {waiting / spent:.0f}/s" if waiting > 1000 else ""))


def idle_connections(d, n):
    pids = [c["pid"] for c in d.status()["children"] if c["role"] == "worker"]
    before = sum(map(pss, pids))
    held = []
    for _ in range(n):
        s = socket.create_connection(("127.0.0.1", d.port))
        s.sendall(b"GET /x HTTP/1.1\r\nHost: x\r\n\r\n")
        s.recv(4096)
        held.append(s)
    time.sleep(1)
    after = sum(map(pss, pids))
    note(f"  {n} idle connections                {(after - before) * 1024 / n:.0f} bytes of PSS each (workers {before} kB before, {after} kB after)")
    for s in held:
        s.close()


def main():
    shutil.rmtree(OUT, ignore_errors=True)
    OUT.mkdir(parents=True)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    base = pathlib.Path(tempfile.mkdtemp(prefix="ringd-bench-", dir="/tmp"))
    base.chmod(0o755)
    pg = d = None
    try:
        pg = ringd.Postgres(base / "pg")
        with pg.connect("postgres", "postgres") as c:
            c.cursor().execute("CREATE DATABASE bench")
        pg.psql("bench", TOP / "sql/roles.sql")
        ringd.ringctl("migrate", "--dir", TOP / "sql", database=pg.dsn("bench"))
        limits = {"requests": 10_000_000, "window": "1d", "connections_per_address": 0, "failures_per_address": 0}
        d = ringd.Daemon(base / "d", pg, "bench", workers=2, limits=limits).start()
        tenant = ringd.Tenant(pg.dsn("bench"), "hooks")
        keys, ids = fill(pg, "bench")
        url = f"http://127.0.0.1:{d.port}"
        note(f"machine: {os.cpu_count()} cores, load average {os.getloadavg()[0]:.2f}; PostgreSQL with default durability; 2 workers, 1 reaper")
        memory(d, "idle")
        for name, script in read_scripts(base, keys, ids).items():
            wrk(f"{name} c=32".replace("/", "-"), url, 32, script)
        memory(d, "after reads")
        for connections in (1, 32, 256):
            script = webhook_script(base, tenant, connections)
            wrk(f"webhooks c={connections}", url, connections, script, 3)
            queue_rate(pg, "bench", "  reaper behind it")
        memory(d, "after webhooks")
        idle_connections(d, 5000)
        with pg.connect("bench") as c, c.cursor() as q:
            q.execute("SELECT count(*), (SELECT count(*) FROM calls WHERE app_id = %s) FROM webhook_events", (tenant.id,))
            note("  events stored, calls made of them: %d, %d" % q.fetchone())
        (OUT / "status.json").write_text(json.dumps(d.status(), indent=1))
    finally:
        if d:
            d.stop()
        if pg:
            pg.stop("immediate")
        shutil.rmtree(base, ignore_errors=True)


main()
