"""ringctl as an administrator uses it: every noun, its exit codes, its one line per error, its JSON."""
import json
import os
import re
import subprocess

import pytest

import ringd
from ringd import BIN, TOP, drained, ringctl


@pytest.fixture(scope="module")
def dsn(pg, daemon):
    return pg.dsn(daemon.database)


def run(*args, **more):
    return subprocess.run([str(BIN / "ringctl"), *map(str, args)], capture_output=True, text=True, timeout=60, **more)


def fails(code, says, *args, **more):
    done = run(*args, **more)
    assert done.returncode == code, done
    lines = done.stderr.strip().splitlines()
    assert lines and lines[0].startswith("ringctl: ") and says in done.stderr, done.stderr
    return done


def test_app_and_key_life(daemon, dsn):
    app = ringctl("app", "create", "Ctl CRM", database=dsn)
    assert set(app) >= {"id", "name", "api_key"} and app["api_key"].startswith("app_")
    assert daemon.get("/api/calls", app["api_key"]).status == 200
    assert "Ctl CRM" in run("--database", dsn, "app", "list").stdout
    assert any(a["id"] == app["id"] and a["name"] == "Ctl CRM" for a in ringctl("app", "list", database=dsn))
    keys = ringctl("key", "list", "Ctl CRM", database=dsn)
    assert len(keys) == 1 and app["api_key"] not in json.dumps(keys)
    checked = run("--database", dsn, "key", "check", input=app["api_key"] + "\n")
    assert checked.returncode == 0 and app["id"] in checked.stdout + checked.stderr
    bad = run("--database", dsn, "key", "check", input=app["api_key"][:-1] + "\n")
    assert bad.returncode != 0


def test_errors_are_one_line_and_name_the_way_out(dsn):
    fails(3, "nobody", "--database", dsn, "calls", "nobody")
    fails(2, "", "--database", dsn, "app", "destroy", "x")
    fails(2, "", "nonsense")
    done = fails(2, "RINGCTL_DATABASE_URL", "-f", "/no/such/file", "app", "list",
                 env={k: v for k, v in os.environ.items() if k != "RINGCTL_DATABASE_URL"})
    assert "--database" in done.stderr
    fails(1, "", "--database", "host=/no/such port=1 dbname=x user=y", "app", "list")


def test_a_password_never_shows(dsn):
    done = run("--database", "postgresql://u:canary-password@127.0.0.1:1/x", "app", "list")
    assert done.returncode == 1 and "canary-password" not in done.stdout + done.stderr


def test_fire_every_scenario_and_see_the_calls(daemon, db, dsn, pg):
    t = ringd.Tenant(dsn, "Fired")
    url = f"http://127.0.0.1:{daemon.port}{t.path}"
    for dialect, encoding in (("jwt", "hex"), ("seed", "hex"), ("seed", "sha256"), ("seed", "base64")):
        done = run("fire", "--url", url, "--dialect", dialect, "--encoding", encoding, "--scenario", "all", "--calls", "6", "--shuffle",
                   "--double", "--concurrency", "4", env={**os.environ, "RINGCTL_FIRE_SECRET": t.secret})
        assert done.returncode == 0, done
        assert re.search(r"\b200\b", done.stdout) and "p99" in done.stdout
    drained(db)
    calls = ringctl("calls", t.id, "--limit", "100", database=dsn)
    assert len(calls) == 24
    assert {c["status"] for c in calls} == {"ended"}
    assert {c["outcome"] for c in calls} >= {"answered", "missed", "voicemail"}
    events = ringctl("events", "list", t.id, "--limit", "5", database=dsn)
    assert len(events) == 5
    shown = run("--database", dsn, "events", "show", events[0]["id"])
    assert shown.returncode == 0 and "call" in shown.stdout
    wrong = run("fire", "--url", url, "--scenario", "missed", "--calls", "1", env={**os.environ, "RINGCTL_FIRE_SECRET": "wrong"})
    assert wrong.returncode == 1 and "401" in wrong.stdout


def test_secrets_are_not_taken_from_argv(daemon, dsn):
    done = run("fire", "--url", f"http://127.0.0.1:{daemon.port}/webhooks/dialpad", "--secret", "x")
    assert done.returncode == 2


def test_status_tells_ready_by_its_exit_code(daemon):
    done = run("status", "--admin", f"http://127.0.0.1:{daemon.admin}")
    assert done.returncode == 0 and "worker" in done.stdout and "reaper" in done.stdout
    assert run("status", "--admin", f"http://127.0.0.1:{ringd.free_port()}").returncode == 1
    assert run("-f", str(daemon.config), "status").returncode == 0


def test_migrate_twice_and_at_once(pg):
    with pg.connect("postgres", "postgres") as c:
        c.cursor().execute("CREATE DATABASE twice")
    pg.psql("twice", TOP / "sql/roles.sql")
    both = [subprocess.Popen([str(BIN / "ringctl"), "--database", pg.dsn("twice"), "migrate", "--dir", str(TOP / "sql")],
                             stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) for _ in range(2)]
    for p in both:
        out = p.communicate(timeout=60)[0]
        assert p.returncode == 0, out
    again = run("--database", pg.dsn("twice"), "migrate", "--dir", TOP / "sql")
    assert again.returncode == 0
    with pg.connect("twice") as c, c.cursor() as q:
        q.execute("SELECT version FROM schema_version ORDER BY version")
        assert [v for (v,) in q.fetchall()] == list(range(1, len(list((TOP / "sql").glob("0*.sql"))) + 1))


def test_migrate_refuses_a_newer_database(pg, new_database):
    name = new_database()
    with pg.connect(name) as c:
        c.cursor().execute("INSERT INTO schema_version (version, name) VALUES (99, 'from the future')")
    fails(1, "99", "--database", pg.dsn(name), "migrate", "--dir", str(TOP / "sql"))


def test_help_version_and_completion():
    for args in (["help"], ["--help"], ["help", "fire"], ["version"]):
        done = run(*args)
        assert done.returncode == 0 and done.stdout
    assert "fire" in run("--complete", "").stdout.split()
    assert run("config", "keys").returncode == 0


def test_created_in_sql_equals_created_by_ringctl(pg, daemon, dsn):
    """The SQL function is the twin of the C code: its keys pass the same check."""
    with pg.connect(daemon.database) as c, c.cursor() as q:
        for _ in range(20):
            q.execute("SELECT id::text, api_key FROM create_app('By SQL')")
            app, key = q.fetchone()
            done = run("--database", dsn, "key", "check", input=key + "\n")
            assert done.returncode == 0, done
            assert daemon.get("/api/calls", key).status == 200
            assert app in done.stdout + done.stderr
