"""The key ring: ringctl keyring, rekeying beside everything else, records that were moved, keys that are missing."""
import json
import os
import pty
import re
import signal
import subprocess
import threading
import uuid

import psycopg2
import pytest

import ringd
import sealing
from ringd import BIN, request, ringctl, wait_for

TABLE = "dialpad_connections"
COLUMNS = ("access_token", "refresh_token")


@pytest.fixture
def ring():
    return {1: os.urandom(32), 2: os.urandom(32)}


@pytest.fixture
def d(new_daemon, ring):
    """A daemon with two keys, started."""
    x = new_daemon(courier={})
    x.keys = sealing.write_ring(x.base / "keys", ring)
    x.write(courier={"key_file": str(x.keys)}, database_keys={"owner_url": f"'{x.pg.dsn(x.database)}'"})
    x.start()
    yield x
    x.stop()


@pytest.fixture
def db(pg, d):
    with pg.connect(d.database) as c:
        yield c


@pytest.fixture
def acme(pg, d):
    return ringd.Tenant(pg.dsn(d.database), "Acme")


def app_of(first, i):
    """Whose the i-th connection is: an app has one. In the order of the rows."""
    return first if i == 0 else str(uuid.UUID(int=(2 << 120) + i))


def connections(db, ring, first, n, key_id=1):
    """n connections with two sealed tokens each, the first of this app; what each token is, by (column, row)."""
    tokens, rows = {}, []
    for i in range(n):
        app, row = app_of(first, i), str(uuid.UUID(int=(i + 1) << 64))
        for column in COLUMNS:
            tokens[column, row] = f"{column} of {row}"
        rows.append((app, row, *(psycopg2.Binary(sealing.seal(ring, key_id, TABLE, column, app, row, tokens[column, row]))
                                 for column in COLUMNS)))
    with db.cursor() as q:
        q.execute("INSERT INTO apps (id, name) SELECT a::uuid, a FROM unnest(%s::text[]) a", ([app for app, *_ in rows[1:]],))
        q.executemany(f"INSERT INTO {TABLE} (app_id, id, access_token, refresh_token) VALUES (%s, %s, %s, %s)", rows)
    return tokens


def stored(db):
    with db.cursor() as q:
        q.execute(f"SELECT app_id, id, access_token, refresh_token FROM {TABLE}")
        return [(app, row, {"access_token": a, "refresh_token": r}) for app, row, a, r in q.fetchall()]


def by_key(db):
    counts = {}
    for _, _, columns in stored(db):
        for record in columns.values():
            if record is not None:
                counts[sealing.key_of(record)] = counts.get(sealing.key_of(record), 0) + 1
    return counts


def all_open(db, ring, tokens):
    for app, row, columns in stored(db):
        for column, record in columns.items():
            assert sealing.unseal(ring, TABLE, column, app, row, record) == tokens[column, row], (column, row)


def ctl(d, *args, **more):
    return subprocess.run([str(BIN / "ringctl"), "-f", str(d.config), *map(str, args)], capture_output=True, text=True, timeout=120, **more)


def start_rekey(d):
    return subprocess.Popen([str(BIN / "ringctl"), "-f", str(d.config), "--json", "keyring", "rekey"], stdout=subprocess.PIPE,
                            stderr=subprocess.PIPE, text=True)


def reload(d):
    generation = d.status()["generation"]
    d.kill(signal.SIGHUP)
    wait_for("the next generation", lambda: d.status()["generation"] == generation + 1, 20)
    wait_for("its courier", lambda: request(d.admin, "GET", "/keyring").status == 200, 10)


# ---- the file


def test_the_first_key_and_the_next(tmp_path):
    path = tmp_path / "keys"
    first = ringctl("keyring", "add", "--key-file", path)
    assert first["id"] == 1 and first["keys"] == 1 and first["path"] == str(path)
    assert path.stat().st_mode & 0o7777 == 0o400
    one = sealing.read_ring(path)
    assert ringctl("keyring", "add", "--key-file", path)["id"] == 2
    two = sealing.read_ring(path)
    assert path.stat().st_mode & 0o7777 == 0o400
    assert two[1] == one[1] and two[2] != two[1] and len(two[2]) == 32 and len(two) == 2
    assert [p.name for p in tmp_path.iterdir()] == ["keys"]
    for text in (json.dumps(first),):
        assert one[1].hex() not in text


def test_no_key_is_ever_shown(d, ring):
    for args in (("keyring", "status"), ("keyring", "add"), ("courier", "status"), ("--json", "keyring", "status"), ("config", "check")):
        done = ctl(d, *args)
        assert done.returncode == 0, done
        for key in sealing.read_ring(d.keys).values():
            assert key.hex() not in done.stdout + done.stderr


def test_remarks_and_a_missing_newline_survive(tmp_path):
    path = tmp_path / "keys"
    path.write_text("# ours\n7:" + "ab" * 32 + ":2026-11-26T21:14:43Z")
    path.chmod(0o400)
    assert ringctl("keyring", "add", "--key-file", path)["id"] == 8
    assert path.read_text().startswith("# ours\n7:" + "ab" * 32 + ":2026-11-26T21:14:43Z\n8:")


def test_many_at_once_lose_no_key(tmp_path):
    path = tmp_path / "keys"
    running = [subprocess.Popen([str(BIN / "ringctl"), "--json", "keyring", "add", "--key-file", str(path)], stdout=subprocess.PIPE,
                                stderr=subprocess.PIPE, text=True) for _ in range(12)]
    done = [(p.wait(60), *p.communicate()) for p in running]
    made = [json.loads(out)["id"] for code, out, _ in done if code == 0]
    ring = sealing.read_ring(path)
    assert made and set(ring) == set(made), (made, sorted(ring))
    assert all("another ringctl is at work" in err for code, _, err in done if code != 0), done
    assert path.stat().st_mode & 0o7777 == 0o400


@pytest.mark.skipif(os.getuid() != 0, reason="needs root")
def test_the_file_stays_its_owners(tmp_path):
    path = tmp_path / "keys"
    ringctl("keyring", "add", "--key-file", path)
    os.chown(path, 0, 12345)
    ringctl("keyring", "add", "--key-file", path)
    assert (path.stat().st_uid, path.stat().st_gid) == (0, 12345)


@pytest.mark.parametrize("text, mode, why", [
    ("nonsense\n", 0o400, ":1: expected ID:KEY:CREATED"), ("", 0o644, "mode 0644 is wider than 0400"),
    ("4294967295:" + "ab" * 32 + ":2026-11-26T21:14:43Z\n", 0o400, "no id after"),
])
def test_a_bad_file_is_left_alone(tmp_path, text, mode, why):
    path = tmp_path / "keys"
    path.write_text(text)
    path.chmod(mode)
    done = subprocess.run([str(BIN / "ringctl"), "keyring", "add", "--key-file", str(path)], capture_output=True, text=True, timeout=20)
    assert done.returncode == 1 and why in done.stderr and str(path) in done.stderr
    assert path.read_text() == text


# ---- what is stored


def test_a_plain_token_cannot_be_stored(db, acme):
    for value in (b"a token as it came from the provider, long enough", b"", b"\x01short"):
        with pytest.raises(psycopg2.errors.CheckViolation), db.cursor() as q:
            q.execute(f"INSERT INTO {TABLE} (app_id, id, access_token) VALUES (%s, %s, %s)",
                      (acme.id, str(uuid.uuid4()), psycopg2.Binary(value)))


def test_workers_and_reaper_do_not_see_credentials(pg, d, db, ring, acme):
    connections(db, ring, acme.id, 1)
    for role in ("ringd_worker", "ringd_reaper"):
        with pg.connect(d.database, role) as c, c.cursor() as q, pytest.raises(psycopg2.errors.InsufficientPrivilege):
            q.execute(f"SELECT * FROM {TABLE}")
    with pg.connect(d.database, "ringd_courier") as c, c.cursor() as q:
        q.execute(f"SELECT count(*) FROM {TABLE}")
        assert q.fetchone() == (1,)
        for table in ("api_keys", "api_key_lookup", "webhook_events", "webhook_queue", "oauth_states", "oauth_tickets", "instance"):
            with pytest.raises(psycopg2.errors.InsufficientPrivilege):
                q.execute(f"SELECT * FROM {table}")


# ---- rekey


def test_rekey_seals_everything_with_the_newest_key(d, db, ring, acme):
    tokens = connections(db, ring, acme.id, 450)
    with db.cursor() as q:
        q.execute(f"UPDATE {TABLE} SET refresh_token = NULL WHERE id = %s", (str(uuid.UUID(int=7 << 64)),))
    assert request(d.admin, "GET", "/keyring").json["data"] == {"newest": 2, "keys": [1, 2], "stale": 899}
    status = {k["id"]: k for k in ringctl("keyring", "status", config=d.config)}
    assert (status[1]["state"], status[1]["values"], status[1]["loaded"]) == ("decrypts", 899, True)
    assert (status[2]["state"], status[2]["values"], status[2]["loaded"]) == ("encrypts", 0, True)
    assert ringctl("keyring", "rekey", config=d.config) == {"newest": 2, "resealed": 899, "unreadable": 0}
    assert by_key(db) == {2: 899}
    for app, row, columns in stored(db):
        for column, record in columns.items():
            if record is not None:
                assert sealing.unseal(ring, TABLE, column, app, row, record) == tokens[column, row]
    assert ringctl("keyring", "rekey", config=d.config) == {"newest": 2, "resealed": 0, "unreadable": 0}
    state = request(d.admin, "GET", "/courier").json["data"]
    assert (state["sealed"], state["opened"], state["unopened"]) == (899, 899, 0)
    assert "token of" not in d.text()


def test_a_record_moved_elsewhere_does_not_open(pg, d, db, ring, acme):
    """As the owner of the tables, who may write what he likes."""
    globex = ringd.Tenant(pg.dsn(d.database), "Globex")
    connections(db, ring, acme.id, 5)
    one, two, three, four, five = (str(uuid.UUID(int=(i + 1) << 64)) for i in range(5))
    with db.cursor() as q:
        copy = f"UPDATE {TABLE} SET {{}} = (SELECT {{}} FROM {TABLE} WHERE id = %s) WHERE id = %s"
        q.execute(copy.format("access_token", "access_token"), (one, two))                     # another row
        q.execute(copy.format("access_token", "refresh_token"), (three, three))                # another column
        q.execute(f"INSERT INTO {TABLE} (app_id, id, access_token) SELECT %s, id, access_token FROM {TABLE} WHERE id = %s",
                  (globex.id, four))                                                           # another app
        q.execute(f"UPDATE {TABLE} SET access_token = set_byte(access_token, 20, get_byte(access_token, 20) # 1) WHERE id = %s", (five,))
    before = {(app, row): columns for app, row, columns in stored(db)}
    done = ctl(d, "keyring", "rekey")
    assert done.returncode == 1 and "4 values could not be opened" in done.stderr, done
    told = re.findall(r"dialpad_connections\.(\w+) does not open.*\(app (\S+), row (\S+)\)", done.stderr)
    bad = {("access_token", app_of(acme.id, 1), two), ("access_token", app_of(acme.id, 2), three), ("access_token", globex.id, four),
           ("access_token", app_of(acme.id, 4), five)}
    assert set(told) == bad
    for column, app, row in bad:
        assert re.search(f"a sealed value does not open table={TABLE} column={column} reason=.* row={row} app={app}", d.text())
    for app, row, columns in stored(db):
        for column, record in columns.items():
            if (column, app, row) in bad:
                assert bytes(record) == bytes(before[app, row][column]), "what does not open is left as it is"
            elif record is not None:
                assert sealing.key_of(record) == 2
    assert d.process.poll() is None and len(d.pids("courier")) == 1


def row_locked(pg, d, number):
    """A transaction that holds one row, so that the step with this row waits."""
    c = psycopg2.connect(pg.dsn(d.database))
    with c.cursor() as q:
        q.execute(f"SELECT 1 FROM {TABLE} WHERE id = %s FOR UPDATE", (str(uuid.UUID(int=number << 64)),))
        assert q.fetchone()
    return c


def test_an_interrupted_rekey_goes_on_where_it_was(pg, d, db, ring, acme):
    tokens = connections(db, ring, acme.id, 1000)
    lock = row_locked(pg, d, 700)
    p = start_rekey(d)
    wait_for("the steps before the lock", lambda: by_key(db).get(2) == 600, 30)
    p.send_signal(signal.SIGINT)
    out, err = p.communicate(timeout=30)
    assert p.returncode == 1 and re.search(r"stopped after 600 of 2000: run this again to go on", err), (out, err)
    lock.rollback()
    lock.close()
    assert ringctl("keyring", "rekey", config=d.config) == {"newest": 2, "resealed": 1400, "unreadable": 0}
    assert by_key(db) == {2: 2000}
    all_open(db, ring, tokens)


def test_a_killed_courier_only_delays_a_rekey(pg, d, db, ring, acme):
    tokens = connections(db, ring, acme.id, 1000)
    lock = row_locked(pg, d, 500)
    p = start_rekey(d)
    wait_for("the steps before the lock", lambda: by_key(db).get(2) == 400, 30)
    os.kill(d.pids("courier")[0], signal.SIGKILL)
    wait_for("it to be gone", lambda: not d.pids("courier"), 5)
    wait_for("its transaction to be gone", lambda: d.pids("courier"), 15)
    lock.rollback()
    lock.close()
    out, err = p.communicate(timeout=60)
    assert p.returncode == 0, (out, err)
    # The server may have finished the killed courier's statement: done then, but told to nobody.
    assert json.loads(out)["resealed"] in (1800, 2000) and by_key(db) == {2: 2000}
    all_open(db, ring, tokens)


def test_a_killed_ringctl_leaves_whole_rows(pg, d, db, ring, acme):
    tokens = connections(db, ring, acme.id, 600)
    lock = row_locked(pg, d, 450)
    p = start_rekey(d)
    wait_for("the steps before the lock", lambda: by_key(db).get(2) == 400, 30)
    p.kill()
    p.wait(10)
    lock.rollback()
    lock.close()
    all_open(db, ring, tokens)
    left = 1200 - by_key(db)[2]
    assert left > 0
    again = ringctl("keyring", "rekey", config=d.config)
    assert again["unreadable"] == 0 and by_key(db) == {2: 1200}
    all_open(db, ring, tokens)


def test_a_token_refreshed_meanwhile_stays(pg, d, db, ring, acme):
    tokens = connections(db, ring, acme.id, 3)
    row = str(uuid.UUID(int=2 << 64))
    c = psycopg2.connect(pg.dsn(d.database))
    with c.cursor() as q:
        q.execute(f"UPDATE {TABLE} SET access_token = %s WHERE id = %s",
                  (psycopg2.Binary(sealing.seal(ring, 2, TABLE, "access_token", app_of(acme.id, 1), row, "refreshed")), row))
        p = start_rekey(d)
        with pg.connect(d.database, "postgres") as su, su.cursor() as look:
            def waiting():
                look.execute("SELECT count(*) FROM pg_stat_activity WHERE usename = 'ringd_courier' AND wait_event_type = 'Lock' "
                             "AND datname = %s", (d.database,))
                return look.fetchone()[0] == 1
            wait_for("the courier to wait for the row", waiting, 15)
        c.commit()
    c.close()
    out, err = p.communicate(timeout=60)
    assert p.returncode == 0, err
    assert json.loads(out)["resealed"] == 5
    tokens["access_token", row] = "refreshed"
    assert by_key(db) == {2: 6}
    all_open(db, ring, tokens)


def test_reads_go_on_during_a_rekey(d, db, ring, acme):
    connections(db, ring, acme.id, 3000)
    statuses, stop = [], threading.Event()

    def read():
        while not stop.is_set():
            statuses.append(d.get("/api/calls/active", acme.key).status)
    threads = [threading.Thread(target=read) for _ in range(3)]
    for t in threads:
        t.start()
    try:
        assert ringctl("keyring", "rekey", config=d.config)["resealed"] == 6000
    finally:
        stop.set()
        for t in threads:
            t.join(20)
    assert set(statuses) == {200} and len(statuses) > 20
    assert by_key(db) == {2: 6000}


def test_a_bar_on_a_terminal(d, db, ring, acme):
    connections(db, ring, acme.id, 1000)
    ours, theirs = pty.openpty()
    p = subprocess.Popen([str(BIN / "ringctl"), "-f", str(d.config), "keyring", "rekey"], stdout=subprocess.PIPE, stderr=theirs)
    os.close(theirs)
    seen = b""
    try:
        while chunk := os.read(ours, 4096):
            seen += chunk
    except OSError:         # the other end is closed
        pass
    assert p.wait(60) == 0
    os.close(ours)
    assert re.search(rb"\r\[[#.]{30}\] \d+/2000", seen), seen
    assert seen.endswith(b"\r\x1b[K")


# ---- add, reload, rekey, drop


def test_the_whole_round(d, db, ring, acme):
    tokens = connections(db, ring, acme.id, 20, key_id=2)
    ringctl("keyring", "add", config=d.config)
    for args in (("rekey",), ("drop", "1")):    # the daemon has not been told
        done = ctl(d, "keyring", *args)
        assert done.returncode == 1 and "reload ringd (SIGHUP) first" in done.stderr, done
    reload(d)
    state = {k["id"]: k["state"] for k in ringctl("keyring", "status", config=d.config)}
    assert state == {1: "decrypts", 2: "decrypts", 3: "encrypts"}
    for key, why in (("3", "the one that encrypts"), ("2", "40 values are sealed with key 2: 'ringctl keyring rekey' first")):
        before = d.keys.read_text()
        done = ctl(d, "keyring", "drop", key)
        assert done.returncode == 1 and why in done.stderr, done
        assert d.keys.read_text() == before
    assert ctl(d, "keyring", "drop", "9").returncode == 3
    assert ctl(d, "keyring", "drop", "x").returncode == 2
    assert ringctl("keyring", "rekey", config=d.config) == {"newest": 3, "resealed": 40, "unreadable": 0}
    assert ringctl("keyring", "drop", "1", config=d.config)["keys"] == 2
    assert ringctl("keyring", "drop", "2", config=d.config)["keys"] == 1
    ring = sealing.read_ring(d.keys)
    assert list(ring) == [3] and d.keys.stat().st_mode & 0o7777 == 0o400
    reload(d)
    assert request(d.admin, "GET", "/keyring").json["data"] == {"newest": 3, "keys": [3], "stale": 0}
    all_open(db, ring, tokens)
    assert "key ring newest=3 keys=1\n" in d.text()
    noted = ringctl("audit", "show", str(uuid.UUID(int=0)), config=d.config)
    assert [(r["action"], r["subject"]) for r in reversed(noted) if r["action"].startswith("keyring.")] == [
        ("keyring.add", "3"), ("keyring.rekey", "3"), ("keyring.drop", "1"), ("keyring.drop", "2")]
    [rekey] = [r for r in noted if r["action"] == "keyring.rekey"]
    assert json.loads(rekey["detail"]) == {"resealed": "40", "unreadable": "0", "state": "done"}
    for key in ring.values():
        assert key.hex() not in json.dumps(noted)


def test_a_key_is_dropped_from_a_stopped_daemon_only_when_told(d, db, ring, acme):
    connections(db, ring, acme.id, 1, key_id=2)
    d.stop()
    done = ctl(d, "keyring", "drop", "1")
    assert done.returncode == 1 and "--stopped" in done.stderr, done
    assert 1 in sealing.read_ring(d.keys)
    assert ctl(d, "keyring", "drop", "1", "--stopped").returncode == 0
    assert list(sealing.read_ring(d.keys)) == [2]


def test_a_missing_key_is_an_alarm_and_no_crash(d, db, ring, acme):
    connections(db, ring, acme.id, 2)
    sealing.write_ring(d.keys, {2: ring[2]})
    reload(d)
    done = ctl(d, "keyring", "status")
    assert done.returncode == 1 and "missing" in done.stdout and "bring it back" in done.stderr, done
    done = ctl(d, "keyring", "rekey")
    assert done.returncode == 1 and done.stderr.count("is sealed with a key that is not in the key ring") == 4, done
    assert by_key(db) == {1: 4}
    sealing.write_ring(d.keys, ring)
    reload(d)
    assert ringctl("keyring", "rekey", config=d.config)["resealed"] == 4
    assert by_key(db) == {2: 4}


def test_status_without_daemon_and_without_file(d, db, ring, acme):
    connections(db, ring, acme.id, 2)
    d.stop()
    done = ctl(d, "keyring", "status")
    assert done.returncode == 0 and "does not answer" in done.stderr and re.search(r"^ *1 .*decrypts +4", done.stdout, re.M), done
    d.keys.unlink()
    done = ctl(d, "keyring", "status")
    assert done.returncode == 0 and "only what the database knows" in done.stderr and re.search(r"^ *1 .* 4", done.stdout, re.M), done
