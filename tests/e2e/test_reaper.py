"""Events to calls: poison, dead letters, replay, several reapers at once."""
import os
import random
import signal
import time

import pytest

import ringd
from ringd import call_event, drained, jwt, ringctl, wait_for


@pytest.fixture(scope="module")
def quick(new_daemon, pg):
    d = new_daemon(reaper={"retry_min": "100ms", "retry_max": "300ms", "max_attempts": "3", "poll": "200ms"}).start()
    d.tenant = ringd.Tenant(pg.dsn(d.database), "Quick")
    yield d
    assert d.stop() == 0


def count(c, sql, *args):
    with c.cursor() as q:
        q.execute(sql, args)
        return q.fetchone()[0]


def test_poison_is_isolated_counted_and_buried_while_others_go_on(quick, pg):
    t = quick.tenant
    with pg.connect(quick.database) as c:
        c.cursor().execute("ALTER TABLE calls ADD CONSTRAINT poison CHECK (from_number <> '+15550006666')")
        for n in range(60):
            e = call_event(700000 + n, external_number="+15550006666" if n in (13, 40) else "+15550001111")
            assert quick.post(t.path, jwt(e, t.secret)).status == 200
        drained(c, 30)
        assert count(c, "SELECT count(*) FROM calls WHERE provider_call_id LIKE '7000%%'") == 58
        with c.cursor() as q:
            q.execute("SELECT attempts, reason FROM webhook_dead")
            dead = q.fetchall()
        assert len(dead) == 2 and all(a == 3 and "poison" in r for a, r in dead), dead
        listed = ringctl("events", "dead", t.id, database=pg.dsn(quick.database))
        listed = listed if isinstance(listed, list) else listed.get("events", listed.get("data", listed))
        assert len(listed) == 2
        c.cursor().execute("ALTER TABLE calls DROP CONSTRAINT poison")
        ringctl("events", "replay", "--dead", t.id, database=pg.dsn(quick.database))
        wait_for("the dead to live", lambda: count(c, "SELECT count(*) FROM calls WHERE provider_call_id LIKE '7000%%'") == 60, 20)
        assert count(c, "SELECT count(*) FROM webhook_dead") == 0


def test_replay_changes_nothing(quick, pg):
    t = quick.tenant
    for e in ringd.SAMPLES:
        quick.post(t.path, jwt(e, t.secret))
    with pg.connect(quick.database) as c:
        drained(c)
        before = quick.get("/api/calls?limit=200", t.key).json["data"]
        ringctl("events", "replay", t.id, "--since", "2020-01-01T00:00:00Z", database=pg.dsn(quick.database))
        time.sleep(0.2)
        drained(c, 30)
    after = quick.get("/api/calls?limit=200", t.key).json["data"]
    drop = lambda calls: [{k: v for k, v in x.items() if k != "updated_at"} for x in calls]
    assert drop(after) == drop(before)


def test_local_wake_is_quick(new_daemon, pg):
    """With a poll of a minute, only the workers' wake can explain a call within a second."""
    d = new_daemon(reaper={"poll": "60s"}).start()
    t = ringd.Tenant(pg.dsn(d.database), "Wake")
    time.sleep(0.5)
    for n in range(5):
        began = time.monotonic()
        assert d.post(t.path, jwt(call_event(n + 1), t.secret)).status == 200
        wait_for("the call", lambda: d.get("/api/calls", t.key).json["pagination"]["total"] == n + 1, 3, 0.01)
        assert time.monotonic() - began < 1.5
    d.stop()


def test_polling_alone_suffices(quick, pg):
    """An event put into the queue behind everybody's back (another host's worker) is found."""
    t = quick.tenant
    assert quick.post(t.path, jwt(call_event(810001), t.secret)).status == 200
    with pg.connect(quick.database) as c:
        drained(c)
        c.cursor().execute("DELETE FROM call_legs WHERE leg_id = '810001'")
        c.cursor().execute("DELETE FROM calls WHERE provider_call_id = '810001'")
        c.cursor().execute("""INSERT INTO webhook_queue (app_id, id, received_at, next_try_at)
                              SELECT app_id, id, received_at, now() FROM webhook_events WHERE leg_id = '810001'""")
        wait_for("the poll", lambda: count(c, "SELECT count(*) FROM calls WHERE provider_call_id = '810001'") == 1, 10)


def test_several_reapers_on_one_database(new_daemon, pg, new_database):
    """Three daemons, one database, the legs of the same calls spread over them in any order, one reaper killed on the way."""
    name = new_database()
    ds = [new_daemon(name, workers=1, reaper={"batch": "7", "poll": "100ms"}).start() for _ in range(3)]
    t = ringd.Tenant(pg.dsn(name), "Many")
    rng = random.Random(5)
    events = []
    for k in range(60):
        root, queue, agent = (900000 + k * 10 + i for i in range(3))
        ts = 1790010800000 + k * 100000
        for e, own in zip(ringd.SAMPLES[6:9], (root, agent, queue)):
            e = {**e, "call_id": own, "event_timestamp": e["event_timestamp"] + k}
            e["master_call_id"] = root if own == queue else None
            e["entry_point_call_id"] = queue if own == agent else None
            e["operator_call_id"] = agent if own == queue else None
            events.append(e)
        assert ts
    events *= 2
    rng.shuffle(events)
    for i, e in enumerate(events):
        assert rng.choice(ds).post(t.path, jwt(e, t.secret)).status == 200
        if i in (80, 200):
            os.kill(wait_for("a reaper", lambda: ds[i % 3].pids("reaper"))[0], signal.SIGKILL)
    with pg.connect(name) as c:
        drained(c, 40)
        with c.cursor() as q:
            q.execute("SELECT dialpad_call_id, status, outcome, talk_time_ms, legs FROM calls WHERE app_id = %s", (t.id,))
            calls = q.fetchall()
        assert count(c, "SELECT count(*) FROM webhook_dead") == 0
    assert len(calls) == 60, len(calls)
    assert {r[1:] for r in calls} == {("ended", "answered", 221000, 3)}
    assert {r[0] for r in calls} == {900000 + k * 10 for k in range(60)}
    for d in ds:
        assert d.stop() == 0
