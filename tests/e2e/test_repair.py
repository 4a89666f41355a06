"""Lost events and ghosts: what no delivery brought is fetched back from Dialpad, within its limits, once."""
import hashlib
import itertools
import os
import signal
import time

import pytest

import ringd
from dialpad_sim import Browser, Dialpad, key_ring, settings
from prometheus import scrape
from ringd import wait_for

MINUTE = 60000
companies = itertools.count(5511220033441000)


@pytest.fixture(scope="module")
def sim():
    s = Dialpad()
    yield s
    s.stop()


@pytest.fixture(autouse=True)
def calm(sim):
    yield
    with sim.sim.lock:
        sim.sim.faults.clear()
    sim.set(retry_after=None, cursor_padding="", rate=20, deliver=True)


def make(new_daemon, sim, database=None, **keys):
    x = new_daemon(database=database)
    x.write(**settings(sim, x.port, key_ring(x.base), gap_after="3s", **{"reconcile": "0s", "ghost_after": "1h", **keys}))
    return x


@pytest.fixture(scope="module")
def d(new_daemon, sim):
    x = make(new_daemon, sim).start()
    yield x
    assert x.stop() == 0, x.text()[-3000:]
    assert "Sanitizer" not in x.text() and "runtime error:" not in x.text()


class App(ringd.Tenant):
    """A tenant that is connected with a company of its own."""

    def __init__(self, pg, d, sim):
        super().__init__(pg.dsn(d.database), f"App {time.monotonic_ns()}")
        self.d, self.pg, self.sim, self.company = d, pg, sim, next(companies)
        sim.set(user=dict(sim.sim.settings["user"], company_id=self.company))
        url = ringd.ringctl("dialpad", "connect-url", self.id, database=pg.dsn(d.database), config=d.config)["url"]
        browser = Browser()
        assert browser.get(browser.consent(browser.get(url).headers["location"])).status == 200

    def happen(self, count, scenario="inbound", begin=None, spread_ms=1):
        """Calls Dialpad knows and does not tell of."""
        return self.sim.sim.happen(count, scenario, begin=begin, deliver=False, spread_ms=spread_ms, company=self.company)

    def say(self, *events):
        """Deliveries."""
        for e in events:
            assert self.d.post(self.path, ringd.jwt(e, self.secret)).status == 200

    def rows(self, sql, *more):
        with self.pg.connect(self.d.database) as c, c.cursor() as q:
            q.execute(sql, (self.id, *more))
            return q.fetchall() if q.description else q.rowcount

    def one(self, sql, *more):
        found = self.rows(sql, *more)
        return found[0] if found else None

    def gaps(self, *options):
        return ringd.ringctl("gap", "list", self.id, *options, database=self.pg.dsn(self.d.database))

    def repair(self, *options, check=True):
        return ringd.ringctl("gap", "repair", self.id, *options, database=self.pg.dsn(self.d.database), check=check)

    def complete(self):
        """How many calls are over with all their ends."""
        return self.one("SELECT count(*) FROM calls WHERE app_id = %s AND status = 'ended' AND ended_at IS NOT NULL AND talk_time_ms IS NOT NULL "
                        "AND outcome IS NOT NULL AND NOT end_inferred")[0]

    def repaired(self):
        return self.one("SELECT count(*) FROM webhook_events WHERE app_id = %s AND source = 'repair'")[0]


@pytest.fixture
def app(pg, d, sim):
    return App(pg, d, sim)


def beat_back(pg, d, minutes):
    with pg.connect(d.database) as c, c.cursor() as q:
        q.execute("UPDATE heartbeats SET beat_at = now() - %s * interval '1 minute' WHERE name = 'courier'", (minutes,))
        assert q.rowcount == 1


def listed(sim):
    return sim.count("rest.GET call")


# ---- downtime


def test_two_hundred_calls_of_a_downtime_are_complete(pg, new_daemon, sim):
    d = make(new_daemon, sim).start()
    try:
        app = App(pg, d, sim)
        # One was ringing and one was talking when the daemon went; both went on without it.
        begun = app.happen(2)
        for call_id, n in zip(begun, (1, 2)):
            app.say(*sim.sim.calls[call_id].events[:n])
        wait_for("the live ones", lambda: app.one("SELECT count(*) FROM calls WHERE app_id = %s AND status <> 'ended'") == (2,))
        wait_for("a beat", lambda: app.rows("SELECT 1 FROM heartbeats WHERE %s IS NOT NULL"))
        assert d.stop() == 0
        made = app.happen(200, "all", spread_ms=6 * MINUTE)
        beat_back(pg, d, 10)
        with sim.sim.lock:
            sim.sim.worst_second = 0
        before, busy, future = listed(sim), sim.count("rest.429"), sim.count("rest.future")
        d.start()
        wait_for("all of them", lambda: app.complete() == 202, 60)
        kinds = {str(i): sim.sim.calls[i].scenario for i in made}
        want = {"inbound": ("answered", 60000, "inbound", False), "missed": ("missed", 0, "inbound", False),
                "recorded": ("answered", 60000, "inbound", True), "outbound": ("answered", 60000, "outbound", False)}
        seen = {}
        for call, *rest in app.rows("SELECT provider_call_id, outcome, talk_time_ms, direction, has_recording FROM calls WHERE app_id = %s"):
            seen[call] = tuple(rest)
        assert {i: seen[i] for i in kinds} == {i: want[k] for i, k in kinds.items()}
        # ended_at is Dialpad's own.
        for call, ended in app.rows("SELECT provider_call_id, (extract(epoch FROM ended_at) * 1000)::bigint FROM calls WHERE app_id = %s"):
            assert ended == sim.sim.calls[int(call)].base["date_ended"]
        [gap] = app.gaps()
        assert (gap["reason"], gap["state"], gap["seen"], gap["found"], gap["attempts"]) == ("downtime", "done", 202, 202, 0), gap
        assert listed(sim) - before == 5 and sim.sim.worst_second <= 20
        assert sim.count("rest.429") == busy and sim.count("rest.future") == future
        assert "no courier was alive" in d.text() and "calls=202 news=202" in d.text()
        assert app.one("SELECT count(*) FROM webhook_events WHERE app_id = %s AND source = 'repair' AND secret_used = 'none' AND is_call") == (202,)
        m = scrape(d.admin)
        assert (m.get("ringd_dialpad_downtimes_total"), m.get("ringd_dialpad_gaps_total", outcome="done"),
                m.get("ringd_dialpad_repaired_events_total"), m.get("ringd_dialpad_ends_inferred_total")) == (1, 1, 202, 0)
        # And now nothing is missing.
        again = app.repair("--from", "20m", "--wait")
        assert (again["state"], again["seen"], again["found"]) == ("done", 202, 0), again
        assert app.repaired() == 202
    finally:
        assert d.stop() == 0


def test_a_short_pause_is_no_downtime(pg, new_daemon, sim):
    d = make(new_daemon, sim).start()
    app = App(pg, d, sim)
    wait_for("a beat", lambda: app.rows("SELECT 1 FROM heartbeats WHERE %s IS NOT NULL"))
    os.kill(d.pids("courier")[0], signal.SIGKILL)
    wait_for("a new courier", lambda: d.pids("courier") and d.all_connected())
    with pg.connect(d.database) as c, c.cursor() as q:
        q.execute("SELECT beat_at FROM heartbeats")
        before = q.fetchone()

        def beaten():
            q.execute("SELECT beat_at FROM heartbeats")
            return q.fetchone() > before
        wait_for("its beats", beaten)
    assert app.gaps() == []
    assert d.stop() == 0


def test_two_daemons_share_the_work(pg, new_daemon, sim):
    a = make(new_daemon, sim).start()
    b = make(new_daemon, sim, database=a.database)
    apps = [App(pg, a, sim) for _ in range(4)]
    wait_for("a beat", lambda: apps[0].rows("SELECT 1 FROM heartbeats WHERE %s IS NOT NULL"))
    assert a.stop() == 0
    for x in apps:
        x.happen(120, spread_ms=5 * MINUTE)
    beat_back(pg, a, 10)
    # Both are made to look at the same moment: the old beat is locked until both want it.
    with pg.connect(a.database) as holder, pg.connect(a.database, "postgres") as watcher, holder.cursor() as q, watcher.cursor() as w:
        holder.autocommit = False
        q.execute("SELECT beat_at FROM heartbeats FOR UPDATE")
        a.start(ready=False)
        b.start(ready=False)

        def both():
            w.execute("SELECT count(*) FROM pg_stat_activity WHERE usename = 'ringd_courier' AND wait_event_type = 'Lock'")
            return w.fetchone() == (2,)
        wait_for("both to look", both, every=0.01)
        holder.commit()
    a.wait_ready()
    b.wait_ready()
    try:
        for x in apps:
            wait_for("all of them", lambda x=x: x.complete() == 120, 60)
            assert x.repaired() == 120
            assert [(g["reason"], g["state"], g["found"]) for g in x.gaps()] == [("downtime", "done", 120)]
        done = [ringd.request(y.admin, "GET", "/courier").json["data"]["gaps_done"] for y in (a, b)]
        assert sum(done) == 4, done
    finally:
        assert a.stop() == 0 and b.stop() == 0


def test_a_courier_killed_in_the_middle_goes_on_there(pg, d, sim, app):
    app.happen(700, spread_ms=10 * MINUTE)
    before = listed(sim)
    app.repair("--from", "20m")
    wait_for("some pages", lambda: app.one("SELECT 1 FROM dialpad_gaps WHERE app_id = %s AND seen >= 300 AND state = 'open'"))
    os.kill(d.pids("courier")[0], signal.SIGKILL)
    wait_for("all of them", lambda: app.complete() == 700, 90)
    wait_for("the gap", lambda: app.gaps()[0]["state"] == "done")
    [gap] = app.gaps()
    # 14 pages, and one or two asked for again because they were not stored when it died.
    assert gap["found"] == 700 and listed(sim) - before <= 16, (gap, listed(sim) - before)
    assert app.repaired() == 700


def test_a_courier_asked_to_leave_hands_over(pg, d, sim, app):
    app.happen(700, spread_ms=10 * MINUTE)
    before = listed(sim)
    app.repair("--from", "20m")
    wait_for("some pages", lambda: app.one("SELECT 1 FROM dialpad_gaps WHERE app_id = %s AND seen >= 150 AND state = 'open'"))
    old = d.pids("courier")
    d.kill(signal.SIGHUP)
    wait_for("the next generation", lambda: d.pids("courier") and d.pids("courier") != old)
    wait_for("all of them", lambda: app.complete() == 700, 25)  # sooner than a lease ends by itself
    wait_for("the gap", lambda: app.gaps()[0]["state"] == "done")
    assert listed(sim) - before <= 15 and app.repaired() == 700


def test_a_stop_in_the_middle(pg, new_daemon, sim):
    d = make(new_daemon, sim, ghost_after="1s").start()
    apps = [App(pg, d, sim) for _ in range(3)]
    apps[0].happen(500, spread_ms=10 * MINUTE)
    apps[1].happen(1)
    [call_id] = apps[2].happen(1)
    for x in apps[:2]:
        x.repair("--from", "20m")
    wait_for("some pages", lambda: apps[0].one("SELECT 1 FROM dialpad_gaps WHERE app_id = %s AND seen >= 100 AND state = 'open'"))
    asked = sim.count("fault.rest.call.slow")
    sim.misbehave(times=9, rest__call="slow")
    ghost(apps[2], call_id)
    wait_for("a question that takes long", lambda: sim.count("fault.rest.call.slow") > asked)
    assert d.stop() == 0
    assert "Sanitizer" not in d.text() and "runtime error:" not in d.text()
    with sim.sim.lock:
        sim.sim.faults.clear()
    d.start()
    for x, n in zip(apps, (500, 1)):
        wait_for("all of them", lambda x=x, n=n: x.complete() == n, 60)
        assert x.repaired() == n
    assert d.stop() == 0


def test_the_administrator_asks(pg, d, sim, app):
    app.happen(3)
    app.happen(1, begin=int(time.time() * 1000) - 7 * 60 * MINUTE)	# before all that is asked for
    sim.set(cursor_padding="a+b/=&?é" * 60)
    done = app.repair("--from", "1h", "--wait")
    assert (done["reason"], done["state"], done["seen"], done["found"]) == ("asked", "done", 3, 3)
    assert done["id"] == app.gaps()[0]["id"] and app.gaps("--open") == []
    app.happen(60)
    assert app.repair("--from", "1h", "--wait")["found"] == 60
    wait_for("all of them", lambda: app.complete() == 63)
    # The calls that began in a span, and those that may have ended in it: dialpad.longest_call is four hours.
    assert app.repair("--from", "170m", "--to", "160m", "--wait")["seen"] == 0
    assert app.repair("--from", "190m", "--to", "160m", "--wait")["found"] == 1


@pytest.mark.parametrize("options, code, words", [
    ((), 2, "--from"), (("--from", "1h", "--to", "2h"), 2, "not before"), (("--from", "yesterday"), 2, "--from"),
    (("--from", "1h", "--to", "2099-01-01"), 2, "future"),
])
def test_wrong_questions(app, options, code, words):
    done = app.repair(*options, check=False)
    assert done.returncode == code and words in done.stderr and len(done.stderr.splitlines()) == 1, done
    assert app.gaps() == []


def test_nobody_to_ask_for(pg, d):
    t = ringd.Tenant(pg.dsn(d.database), "Unconnected")
    done = ringd.ringctl("gap", "repair", t.id, "--from", "1h", database=pg.dsn(d.database), check=False)
    assert done.returncode == 1 and "not connected" in done.stderr
    for verb in (("repair", "nobody", "--from", "1h"), ("list", "nobody")):
        assert ringd.ringctl("gap", *verb, database=pg.dsn(d.database), check=False).returncode == 3


def test_tenants_are_not_mixed(pg, d, sim):
    one, two = App(pg, d, sim), App(pg, d, sim)
    mine, theirs = one.happen(30), two.happen(40)
    for x in (one, two):
        x.repair("--from", "1h", "--wait")
    for x, ids in ((one, mine), (two, theirs)):
        wait_for("its own", lambda x=x, ids=ids: x.complete() == len(ids))
        assert {c for (c,) in x.rows("SELECT provider_call_id FROM calls WHERE app_id = %s")} == {str(i) for i in ids}


def test_what_is_complete_makes_no_work(pg, d, sim, app):
    for call_id in app.happen(10, "recorded"):
        app.say(*sim.sim.calls[call_id].events)
    wait_for("them", lambda: app.complete() == 10)
    done = app.repair("--from", "1h", "--wait")
    assert (done["seen"], done["found"]) == (10, 0), done
    assert app.repaired() == 0


def test_what_came_late_is_added_to_what_was_repaired(pg, d, sim, app):
    [call_id] = app.happen(1)
    assert app.repair("--from", "1h", "--wait")["found"] == 1
    wait_for("it", lambda: app.complete() == 1)
    sim.sim.calls[call_id].base.update(recording_details=[{"id": "77", "recording_type": "callrecording", "url": "https://dialpad.com/r/77"}])
    for found in (1, 0):
        assert app.repair("--from", "1h", "--wait")["found"] == found
        wait_for("the recording", lambda: app.one("SELECT has_recording FROM calls WHERE app_id = %s") == (True,))
    assert app.repaired() == 2 and app.one("SELECT count(*) FROM calls WHERE app_id = %s") == (1,)


def digest(call_id, kind, ts):
    """As providers/dialpad_event.c makes it: the parts, each behind its length."""
    parts = [b"dialpad", str(call_id).encode(), kind.encode(), str(ts).encode()]
    return hashlib.sha256(b"".join(len(p).to_bytes(8, "big") + p for p in parts)).digest()


def test_somebody_adds_the_same_in_the_same_moment(pg, d, sim, app):
    ids = app.happen(20)
    with pg.connect(d.database) as other, pg.connect(d.database, "postgres") as watcher, other.cursor() as q, watcher.cursor() as w:
        other.autocommit = False
        q.execute("INSERT INTO event_dedupe (app_id, digest, received_at) VALUES (%s, %s, now())",
                  (app.id, digest(ids[7], "dialpad.hangup", sim.sim.calls[ids[7]].base["date_ended"])))
        app.repair("--from", "1h")

        def waits():
            w.execute("SELECT count(*) FROM pg_stat_activity WHERE usename = 'ringd_courier' AND datname = %s AND wait_event_type = 'Lock'",
                      (d.database,))
            return w.fetchone() == (1,)
        wait_for("the courier to meet it", waits, every=0.01)
        other.commit()
    wait_for("the gap", lambda: app.gaps()[0]["state"] == "done")
    assert app.gaps()[0]["found"] == 19 and app.repaired() == 19
    assert not [line for line in d.text().splitlines() if "could not be asked for" in line and app.id in line], "it looked again at once"


def test_a_call_the_database_refuses_stops_no_other(pg, d, sim, app):
    ids = app.happen(60)
    bad = ids[33]
    with pg.connect(d.database) as c, c.cursor() as q:
        q.execute(f"ALTER TABLE webhook_events ADD CONSTRAINT refused CHECK (leg_id <> '{bad}')")
        try:
            done = app.repair("--from", "1h", "--wait")
        finally:
            q.execute("ALTER TABLE webhook_events DROP CONSTRAINT refused")
    assert (done["state"], done["seen"], done["found"]) == ("done", 60, 59), done
    assert "refused by the database" in d.text() and f"leg={bad}" in d.text()
    wait_for("the others", lambda: app.complete() == 59)
    assert app.repair("--from", "1h", "--wait")["found"] == 1


# ---- trouble


@pytest.mark.parametrize("fault, times, retry_after", [
    ("429", 1, None), ("429", 1, 1), ("429", 1, 17), ("error_500", 2, None), ("error_503", 2, 1), ("error_500", 5, None), ("garbage", 1, None),
    ("empty", 1, None), ("html", 1, None), ("close", 1, None), ("401", 1, None), ("404", 1, None), ("huge", 1, None),
])
def test_trouble_that_passes(pg, d, sim, app, fault, times, retry_after):
    app.happen(60)
    sim.set(retry_after=retry_after)
    renewed = sim.count("token.refresh_token")
    sim.misbehave(times=times, rest__call=fault)
    done = app.repair("--from", "1h", "--wait")
    assert (done["state"], done["seen"], done["found"], done["last_error"]) == ("done", 60, 60, None)
    assert sim.count("token.refresh_token") - renewed == (1 if fault == "401" else 0)
    wait_for("all of them", lambda: app.complete() == 60)


def test_a_list_that_is_forbidden(pg, d, sim, app):
    app.happen(1)
    sim.misbehave(times=99, rest__call="403")
    done = app.repair("--from", "1h", "--wait", check=False)
    assert done.returncode == 1 and "calls:list" in done.stderr, done
    [gap] = app.gaps()
    assert gap["state"] == "failed" and "403" in gap["last_error"] and gap["done_at"] is not None
    assert "lost events cannot be asked for" in d.text()


def test_a_cursor_that_died_begins_again(pg, d, sim, app):
    app.happen(120)
    app.rows("INSERT INTO dialpad_gaps (app_id, id, from_at, to_at, reason, next_try_at, created_at, cursor) VALUES (%s, gen_random_uuid(), "
             "now() - interval '1 hour', now() - interval '3 seconds', 'asked', now(), now(), '999999')")
    sim.misbehave(rest__call="400")
    wait_for("all of them", lambda: app.complete() == 120, 40)
    assert app.gaps()[0]["state"] == "done"


def test_a_connection_that_is_lost_keeps_its_gaps(pg, d, sim, app):
    app.happen(1)
    app.rows("UPDATE dialpad_connections SET state = 'needs_reconnect' WHERE app_id = %s")
    app.rows("INSERT INTO dialpad_gaps (app_id, id, from_at, to_at, reason, next_try_at, created_at) VALUES (%s, gen_random_uuid(), "
             "now() - interval '1 hour', now() - interval '1 minute', 'asked', now(), now())")
    other = App(pg, d, sim)		# whose turn comes after it
    other.repair("--from", "1h", "--wait")
    assert app.gaps("--open")[0]["attempts"] == 0
    app.rows("UPDATE dialpad_connections SET state = 'connected' WHERE app_id = %s")
    wait_for("it", lambda: app.complete() == 1)


# ---- looking back now and then


def test_a_look_back(pg, new_daemon, sim):
    d = make(new_daemon, sim, reconcile="2s").start()
    app = App(pg, d, sim)
    wait_for("a first one", lambda: app.one("SELECT reconciled_until > connected_at FROM dialpad_connections WHERE app_id = %s") == (True,))
    assert [g for g in app.gaps() if g["state"] != "open"] == [], "what found nothing leaves no trace"
    app.happen(5)
    wait_for("them", lambda: app.complete() == 5, 30)
    assert [(g["reason"], g["found"]) for g in app.gaps() if g["found"]] == [("routine", 5)]
    assert "calls were known to Dialpad only: do its deliveries reach this server? calls=5 " in d.text()
    app.rows("UPDATE dialpad_connections SET state = 'needs_reconnect' WHERE app_id = %s")
    assert d.stop() == 0


# ---- ghosts


@pytest.fixture(scope="module")
def g(new_daemon, sim):
    x = make(new_daemon, sim, ghost_after="1s").start()
    yield x
    assert x.stop() == 0, x.text()[-3000:]
    assert "Sanitizer" not in x.text() and "runtime error:" not in x.text()


@pytest.fixture
def haunted(pg, g, sim):
    return App(pg, g, sim)


def ghost(app, call_id):
    """A call that was answered, long ago, and of whose end nothing was heard."""
    app.say(*app.sim.sim.calls[call_id].events[:2])


def call_of(app, call_id, columns="status, outcome, end_inferred"):
    return app.one(f"SELECT {columns} FROM calls WHERE app_id = %s AND provider_call_id = %s", str(call_id))


def test_a_ghost_is_resolved(haunted, sim):
    [call_id] = haunted.happen(1)
    ghost(haunted, call_id)
    wait_for("its end", lambda: call_of(haunted, call_id) == ("ended", "answered", False))
    assert call_of(haunted, call_id, "talk_time_ms") == (60000,)
    wait_for("it to be forgotten", lambda: haunted.rows("SELECT 1 FROM dialpad_ghosts WHERE app_id = %s") == [], 30)
    assert haunted.repaired() == 1


def test_a_call_that_goes_on_is_left_alone(haunted, sim):
    [call_id] = haunted.happen(1, "ghost")
    ghost(haunted, call_id)
    wait_for("a question", lambda: haunted.one("SELECT next_try_at > now() + interval '50 seconds' AND attempts = 0 FROM dialpad_ghosts "
                                               "WHERE app_id = %s AND next_try_at > now() + interval '1 second'") == (True,))
    wait_for("its answer", lambda: sim.count("rest.GET call/{id}") > 0)
    assert call_of(haunted, call_id) == ("active", None, False)
    # And then it ends after all.
    base = sim.sim.calls[call_id].base
    base.update(date_ended=base["date_started"] + 90000, talk_time=84000)
    haunted.rows("UPDATE dialpad_ghosts SET next_try_at = now() WHERE app_id = %s")
    wait_for("its end", lambda: call_of(haunted, call_id, "status, talk_time_ms") == ("ended", 84000))


def test_a_ghost_nobody_knows_is_presumed_over(haunted, sim):
    [call_id] = haunted.happen(1)
    call = sim.sim.calls.pop(call_id)
    haunted.say(*call.events[:2])
    wait_for("it to be closed", lambda: call_of(haunted, call_id) == ("ended", "answered", True))
    # Dated by its last sign of life.
    assert call_of(haunted, call_id, "(extract(epoch FROM ended_at) * 1000)::bigint") == (call.events[1]["event_timestamp"],)
    shown = haunted.d.get(f"/api/calls?phone_number={call.base['external_number'].replace('+', '%2B')}", haunted.key).json["data"]
    assert [(c["status"], c["end_inferred"]) for c in shown] == [("ended", True)]
    [event] = haunted.rows("SELECT event_type, source, payload->>'why' FROM webhook_events WHERE app_id = %s AND source = 'repair'")
    assert event == ("ringd.end_inferred", "repair", "Dialpad knows no such call")
    # It speaks again: it lives. Its true end comes: that counts.
    now = int(time.time() * 1000)
    haunted.say({**call.events[1], "state": "hold", "event_timestamp": now + 60000})
    wait_for("it to live", lambda: call_of(haunted, call_id)[0] == "active")
    haunted.say({**call.events[2], "event_timestamp": now + 70000})
    wait_for("its true end", lambda: call_of(haunted, call_id) == ("ended", "answered", False))
    assert call_of(haunted, call_id, "talk_time_ms") == (60000,)


def test_questions_in_vain(haunted, sim):
    [call_id] = haunted.happen(1)
    sim.misbehave(times=99, rest__call="403")
    ghost(haunted, call_id)
    wait_for("a try", lambda: haunted.one("SELECT attempts FROM dialpad_ghosts WHERE app_id = %s") == (1,))
    assert call_of(haunted, call_id)[0] == "active"
    haunted.rows("UPDATE dialpad_ghosts SET attempts = 4, next_try_at = now() WHERE app_id = %s")
    wait_for("the last", lambda: call_of(haunted, call_id) == ("ended", "answered", True))
    assert "asked in vain 5 times, the last time: Dialpad answers 403" in haunted.d.text()


def test_an_answer_about_another_call_counts_for_nothing(haunted, sim):
    a, b = haunted.happen(2)
    with sim.sim.lock:
        sim.sim.calls[a] = sim.sim.calls[b]
    haunted.say({**sim.sim.calls[b].events[0], "call_id": a})
    wait_for("a try", lambda: haunted.one("SELECT attempts FROM dialpad_ghosts WHERE app_id = %s AND leg_id = %s", str(a)) == (1,))
    assert call_of(haunted, a)[0] == "ringing" and haunted.repaired() == 0


def test_questions_are_asked_in_turns(pg, g, haunted, sim):
    ids = haunted.happen(12, "ghost")
    asked, busy = sim.count("rest.GET call/{id}"), sim.count("rest.429")
    for call_id in ids:
        ghost(haunted, call_id)
    wait_for("the first", lambda: sim.count("rest.GET call/{id}") > asked)
    wait_for("its answer", lambda: haunted.one("SELECT count(*) FROM dialpad_ghosts WHERE app_id = %s AND next_try_at > now()")[0] >= 1)
    # Whoever asks: the app's next turn is one of nine a minute.
    wait_for("the others", lambda: haunted.one("SELECT count(*) FROM dialpad_ghosts WHERE app_id = %s")[0] == 12)
    n = sim.count("rest.GET call/{id}") - asked
    left = haunted.one("SELECT extract(epoch FROM ghosts_next_at - connected_at) FROM dialpad_connections WHERE app_id = %s")[0]
    assert left >= 6.5 * n, (n, left)
    assert sim.count("rest.429") == busy
    haunted.rows("UPDATE dialpad_connections SET state = 'needs_reconnect' WHERE app_id = %s")


def test_a_ghost_nobody_can_ask_about(pg, g, sim):
    t = ringd.Tenant(pg.dsn(g.database), "Unconnected")
    asked = sim.count("rest.GET call/{id}")
    assert g.post(t.path, ringd.jwt(ringd.call_event(5031100220033001, "ringing", date_started=int(time.time() * 1000) - 9 * MINUTE), t.secret)).status == 200
    with pg.connect(g.database) as c, c.cursor() as q:
        def closed():
            q.execute("SELECT status, outcome, end_inferred FROM calls WHERE app_id = %s", (t.id,))
            return q.fetchone() == ("ended", "missed", True)
        wait_for("it to be closed", closed)
    assert sim.count("rest.GET call/{id}") == asked


def test_calls_older_than_the_list_are_asked_about_after_a_downtime(pg, new_daemon, sim):
    d = make(new_daemon, sim, longest_call="1m").start()	# and ghost_after is an hour
    app = App(pg, d, sim)
    now = int(time.time() * 1000)
    [old] = app.happen(1, begin=now - 30 * MINUTE)
    [young] = app.happen(1, "ghost", begin=now - 5 * MINUTE)
    for call_id in (old, young):
        ghost(app, call_id)
    wait_for("both live", lambda: app.one("SELECT count(*) FROM calls WHERE app_id = %s AND status = 'active'") == (2,))
    app.rows("UPDATE calls SET updated_at = now() - interval '20 minutes' WHERE app_id = %s")
    assert d.stop() == 0
    beat_back(pg, d, 10)
    d.start()
    wait_for("its end", lambda: call_of(app, old) == ("ended", "answered", False))
    assert call_of(app, young)[0] == "active"
    assert app.rows("SELECT leg_id FROM dialpad_ghosts WHERE app_id = %s AND leg_id = %s", str(young)) == []
    assert d.stop() == 0


def test_two_couriers_ask_once(pg, g, haunted, sim, new_daemon):
    other = make(new_daemon, sim, database=g.database, ghost_after="1s").start()
    try:
        [call_id] = haunted.happen(1, "ghost")
        asked = sim.count("rest.GET call/{id}")
        ghost(haunted, call_id)
        wait_for("a question", lambda: sim.count("rest.GET call/{id}") > asked)
        wait_for("its answer", lambda: haunted.one("SELECT next_try_at > now() + interval '1 second' FROM dialpad_ghosts WHERE app_id = %s") == (True,))
        assert sim.count("rest.GET call/{id}") == asked + 1
    finally:
        haunted.rows("UPDATE dialpad_connections SET state = 'needs_reconnect' WHERE app_id = %s")
        assert other.stop() == 0
