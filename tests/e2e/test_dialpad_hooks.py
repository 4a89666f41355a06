"""Hooks that register themselves, are looked after, change their secret and go again. The simulator plays Dialpad; everything else is real."""
import hashlib
import itertools
import os
import threading
import time

import pytest

import ringd
from dialpad_sim import Browser, Dialpad, key_ring, settings
from ringd import wait_for

STATES = ["calling", "preanswer", "ringing", "queued", "connected", "hold", "parked", "merged", "hangup", "missed", "voicemail",
          "voicemail_uploaded", "blocked", "recording", "admin_recording", "transcription"]
FOREIGN = "https://elsewhere.example/hook"


def configure(x, sim, **more):
    """hook_check is short, so that what somebody broke is mended while a test waits; so are the times a lease is made of."""
    s = settings(sim, x.port, key_ring(x.base), hook_check="1s", **more)
    s["courier"].update(timeout="1s", connect_timeout="1s")
    x.write(database_keys={"job_timeout": "1s", "statement_timeout": "900ms"}, **s)
    x.manage = f"unix:{x.base}/manage.sock"
    x.config.write_text(x.config.read_text().replace("admin:\n  listen:\n", f"admin:\n  listen:\n    - address: {x.manage}\n", 1))
    return x


@pytest.fixture(scope="module")
def sim():
    s = Dialpad()
    yield s
    s.stop()


@pytest.fixture(scope="module")
def d(new_daemon, sim):
    x = configure(new_daemon(), sim).start()
    yield x
    assert x.stop() == 0, x.text()[-3000:]
    assert "Sanitizer" not in x.text(), x.text()[-4000:]


@pytest.fixture
def another(new_daemon, sim):
    """Makes daemons of one test (not started): stopped after it, well or not, and without a leak."""
    made = []

    def make(database=None, **more):
        made.append(configure(new_daemon(database=database), sim, **more))
        return made[-1]
    yield make
    for x in made:
        assert x.stop() == 0, x.text()[-3000:]
        assert "Sanitizer" not in x.text(), x.text()[-4000:]


@pytest.fixture(autouse=True)
def calm(request, pg, sim):
    """A company without hooks, connected with nobody; so before and after."""
    yield
    sim.sim.faults.clear()
    sim.set(retry_after=None, deliver=True, access_seconds=3600)
    d = request.getfixturevalue("d")
    with pg.connect(d.database) as c, c.cursor() as q:
        q.execute("DELETE FROM dialpad_connections")
    with sim.sim.lock:
        sim.sim.webhooks.clear()
        sim.sim.subscriptions.clear()


@pytest.fixture
def app(pg, d):
    return ringd.ringctl("app", "create", f"App {time.monotonic_ns()}", database=pg.dsn(d.database))


def connect(pg, d, app):
    browser = Browser()
    url = ringd.ringctl("dialpad", "connect-url", app["id"], database=pg.dsn(d.database), config=d.config)["url"]
    a = browser.get(url)
    done = browser.get(browser.consent(a.headers["location"]))
    assert done.status == 200, done


def row(pg, d, app, columns):
    with pg.connect(d.database) as c, c.cursor() as q:
        q.execute(f"SELECT {columns} FROM dialpad_connections WHERE app_id = %s", (app["id"],))
        return q.fetchone()


def hooks(pg, d, app):
    """token hash, hook id, secret, previous secret, enabled"""
    with pg.connect(d.database) as c, c.cursor() as q:
        q.execute("SELECT token_hash, hook_id::text, secret, previous_secret, enabled FROM hook_lookup WHERE app_id = %s", (app["id"],))
        return [(bytes(r[0]), *r[1:]) for r in q.fetchall()]


def standing(pg, d, sim, app):
    """What stands at Dialpad of this app: its webhooks by the token in their address, its subscriptions by their webhook."""
    known = {h[0] for h in hooks(pg, d, app)}
    with sim.sim.lock:
        webhooks = [dict(w) for w in sim.sim.webhooks.values()
                    if hashlib.sha256(w["hook_url"].rsplit("/", 1)[-1].encode()).digest() in known]
        ids = {w["id"] for w in webhooks}
        return webhooks, [dict(s) for s in sim.sim.subscriptions.values() if s["endpoint_id"] in ids]


def is_good(pg, d, sim, app):
    """Exactly one of each, as it should be, with the secret the workers know, and the row says so."""
    webhooks, subs = standing(pg, d, sim, app)
    known = [h for h in hooks(pg, d, app) if h[4]]
    if len(webhooks) != 1 or len(subs) != 1 or len(known) != 1:
        return False
    [w], [s], [h] = webhooks, subs, known
    r = row(pg, d, app, "webhook_id, subscription_id, hooks_error, hooks_owner IS NULL, hook_id::text")
    return (w["hook_url"].startswith(f"http://127.0.0.1:{d.port}/webhooks/dialpad/hk_") and w["secret"] == h[2] and s["enabled"]
            and sorted(s["call_states"]) == sorted(STATES) and r == (str(w["id"]), str(s["id"]), None, True, h[1]))


def good(pg, d, sim, app, seconds=40):
    try:
        return wait_for("one webhook and one subscription", lambda: is_good(pg, d, sim, app), seconds)
    except AssertionError as e:
        state = row(pg, d, app, "state, webhook_id, subscription_id, hooks_error, hooks_attempts, hooks_owner, hooks_until, hooks_due_at, now()")
        raise AssertionError(f"{e}\n{state}\n{standing(pg, d, sim, app)}\n{d.text()[-2000:]}") from None


def calls(pg, d, app):
    with pg.connect(d.database) as c, c.cursor() as q:
        q.execute("SELECT dialpad_call_id FROM calls WHERE app_id = %s", (app["id"],))
        return {r[0] for r in q.fetchall()}


def trouble(pg, d, app, word, seconds=20):
    wait_for(f"trouble: {word}", lambda: word in (row(pg, d, app, "hooks_error")[0] or ""), seconds)


def log_since(sim, mark, word):
    with sim.sim.lock:
        return [line for line in list(sim.sim.log)[mark:] if word in line]


def mark(sim):
    with sim.sim.lock:
        return len(sim.sim.log)


def foreign(sim, count=1, subscriptions=True, **more):
    """Webhooks and subscriptions of somebody else in the same company."""
    made = []
    with sim.sim.lock:
        for _ in range(count):
            w = {"id": sim.sim.new_id(), "hook_url": FOREIGN, "secret": "theirs"}
            sim.sim.webhooks[w["id"]] = w
            if subscriptions:
                s = {"id": sim.sim.new_id(), "endpoint_id": w["id"], "enabled": False, "call_states": ["hangup"], "target_id": None, **more}
                sim.sim.subscriptions[s["id"]] = s
            made.append(w["id"])
    return made


# ---- registering


def test_a_connect_is_all_it_takes(pg, d, sim, app):
    connect(pg, d, app)
    good(pg, d, sim, app)
    with sim.sim.lock:
        ids = sim.sim.happen(2, "all")
    wait_for("the calls", lambda: calls(pg, d, app) == set(ids))
    with pg.connect(d.database) as c, c.cursor() as q:
        q.execute("SELECT DISTINCT secret_used FROM webhook_events WHERE app_id = %s", (app["id"],))
        assert q.fetchall() == [("current",)]
    shown = ringd.ringctl("dialpad", "status", app["id"], database=pg.dsn(d.database))[0]
    webhooks, subs = standing(pg, d, sim, app)
    assert (shown["webhook_id"], shown["subscription_id"], shown["last_error"]) == (str(webhooks[0]["id"]), str(subs[0]["id"]), None), shown
    assert shown["hooks_checked_at"] is not None


def test_secrets_stand_where_they_must_and_nowhere_else(pg, d, sim, app):
    connect(pg, d, app)
    good(pg, d, sim, app)
    [w], _ = standing(pg, d, sim, app)
    token = w["hook_url"].rsplit("/", 1)[-1]
    assert bytes(row(pg, d, app, "hook_url")[0])[0] == 1
    with pg.connect(d.database) as c, c.cursor() as q:
        q.execute("SELECT oid::regclass::text FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p')")
        tables = [r[0] for r in q.fetchall()]
        for secret in (token, w["secret"]):
            q.execute(" UNION ALL ".join(f"SELECT '{t}' FROM {t} x WHERE position(%s IN x::text) > 0" for t in tables), [secret] * len(tables))
            assert q.fetchall() == ([("hook_lookup",)] if secret == w["secret"] else [])
    assert token not in d.text() and w["secret"] not in d.text()


@pytest.mark.parametrize("kind", ["webhooks", "subscriptions"])
def test_what_somebody_deletes_comes_back(pg, d, sim, app, kind):
    connect(pg, d, app)
    good(pg, d, sim, app)
    with sim.sim.lock:
        getattr(sim.sim, kind).clear()
    wait_for("it to be noticed", lambda: is_good(pg, d, sim, app), 30)
    with sim.sim.lock:
        assert len(sim.sim.webhooks) == len(sim.sim.subscriptions) == 1
        ids = sim.sim.happen(1, "inbound")
    wait_for("a call", lambda: calls(pg, d, app) == set(ids))


@pytest.mark.parametrize("change", ["secret", "no secret", "address", "disabled", "states", "another's webhook"])
def test_what_somebody_changes_is_put_right(pg, d, sim, app, change):
    [theirs] = foreign(sim)
    connect(pg, d, app)
    good(pg, d, sim, app)
    [w], [s] = standing(pg, d, sim, app)
    with sim.sim.lock:
        hook, sub = sim.sim.webhooks[w["id"]], sim.sim.subscriptions[s["id"]]
        hook.update({"secret": {"secret": "other"}, "no secret": {"secret": None}, "address": {"hook_url": FOREIGN + "/x"}}.get(change, {}))
        sub.update({"disabled": {"enabled": False}, "states": {"call_states": ["hangup"]},
                    "another's webhook": {"endpoint_id": theirs}}.get(change, {}))
    good(pg, d, sim, app)
    webhooks, subs = standing(pg, d, sim, app)
    assert webhooks[0]["id"] == w["id"] and (subs[0]["id"] == s["id"]) == (change != "another's webhook")


def test_surplus_ones_of_ours_go(pg, d, sim, app):
    connect(pg, d, app)
    good(pg, d, sim, app)
    [w], [s] = standing(pg, d, sim, app)
    with sim.sim.lock:
        extra = [{**w, "id": sim.sim.new_id()} for _ in range(3)]
        more = [{**s, "id": sim.sim.new_id(), "endpoint_id": e["id"]} for e in extra] + [{**s, "id": sim.sim.new_id()}]
        sim.sim.webhooks.update({e["id"]: e for e in extra})
        sim.sim.subscriptions.update({m["id"]: m for m in more})
    good(pg, d, sim, app)
    with sim.sim.lock:
        assert len(sim.sim.webhooks) == len(sim.sim.subscriptions) == 1
    assert standing(pg, d, sim, app)[0][0]["id"] == w["id"]


def test_others_are_left_alone_on_every_page(pg, d, sim, app):
    theirs = foreign(sim, 60, subscriptions=False) + foreign(sim, 8)
    foreign(sim, 50, target_id=7)
    with sim.sim.lock:
        before = {k: dict(v) for k, v in {**sim.sim.webhooks, **sim.sim.subscriptions}.items()}
    connect(pg, d, app)
    good(pg, d, sim, app)
    # Ours now stand on the last page: found there, not made again.
    time.sleep(1.5)
    good(pg, d, sim, app)
    with sim.sim.lock:
        assert {k: dict(v) for k, v in {**sim.sim.webhooks, **sim.sim.subscriptions}.items() if k in before} == before
    ringd.ringctl("dialpad", "disconnect", app["id"], "--admin", d.manage, database=pg.dsn(d.database), config=d.config)
    with sim.sim.lock:
        assert {k: dict(v) for k, v in {**sim.sim.webhooks, **sim.sim.subscriptions}.items()} == before and set(theirs) <= set(before)


def test_ten_connects_and_three_restarts_leave_one(pg, another, sim):
    x = another().start()
    app = ringd.ringctl("app", "create", "Often", database=pg.dsn(x.database))
    for _ in range(10):
        connect(pg, x, app)
    good(pg, x, sim, app)
    created = sim.count("made.webhooks"), sim.count("made.subscriptions")
    for _ in range(3):
        assert x.stop() == 0, x.text()[-3000:]
        x.start()
        checked = row(pg, x, app, "hooks_checked_at")
        wait_for("a look", lambda: row(pg, x, app, "hooks_checked_at") != checked, 30)
    good(pg, x, sim, app)
    assert created == (sim.count("made.webhooks"), sim.count("made.subscriptions"))


def test_another_public_url_moves_the_hook(pg, another, sim):
    x = another()
    x.config.write_text(x.config.read_text().replace(f"public_url: http://127.0.0.1:{x.port}", f"public_url: http://localhost:{x.port}"))
    sim.allow_redirect(f"http://localhost:{x.port}/auth/dialpad/callback")
    x.start()
    app = ringd.ringctl("app", "create", "Moving", database=pg.dsn(x.database))
    connect(pg, x, app)
    wait_for("a webhook", lambda: (row(pg, x, app, "subscription_id") or (None,))[0] is not None)
    [w], _ = standing(pg, x, sim, app)
    assert w["hook_url"].startswith("http://localhost:")
    configure(x, sim)
    x.kill(1)
    good(pg, x, sim, app)
    assert standing(pg, x, sim, app)[0][0]["id"] == w["id"]
    assert standing(pg, x, sim, app)[0][0]["hook_url"].rsplit("/", 1)[-1] == w["hook_url"].rsplit("/", 1)[-1]


def test_without_public_url_it_says_so(pg, another, sim):
    x = another(redirect_uri="http://127.0.0.1:1/auth/dialpad/callback")
    conf = x.config.read_text()
    x.config.write_text(conf.replace(f"public_url: http://127.0.0.1:{x.port}\n", ""))
    x.start()
    app = ringd.ringctl("app", "create", "Nowhere", database=pg.dsn(x.database))
    make_row(pg, x, app)
    trouble(pg, x, app, "public_url")
    with sim.sim.lock:
        assert not sim.sim.webhooks


def make_row(pg, d, app):
    """A connection that is due, without a usable token: for what must be noticed before one is needed."""
    with pg.connect(d.database) as c, c.cursor() as q:
        q.execute("INSERT INTO dialpad_connections (app_id, id, hooks_due_at) VALUES (%s, gen_random_uuid(), now())", (app["id"],))


# ---- trouble


@pytest.mark.parametrize("place,faults", [
    ("GET webhooks", ["garbage", "unanswered", "403", "error_in_200"]),
    ("POST webhooks", ["error_500", "garbage", "403", "409", "close", "unanswered", "garbled", "empty"]),
    ("GET subscriptions", ["error_500", "garbage", "empty", "huge", "404", "error_in_200"]),
    ("POST subscriptions", ["error_500", "403", "404", "409", "unanswered", "garbled", "redirect", "error_in_200"]),
])
def test_trouble_is_told_and_passes(pg, d, sim, place, faults):
    """All at once, an app each; another fault is set up as soon as the one before has struck."""
    made = []
    for fault in faults:
        # What is asked for again by itself is no trouble yet: as often as it is asked for again.
        times = 4 if place.startswith("GET") and fault in ("error_500", "unanswered") else 1
        app = ringd.ringctl("app", "create", f"Trouble {fault} {time.monotonic_ns()}", database=pg.dsn(d.database))
        sim.misbehave(times=times, **{"rest." + place: fault})
        connect(pg, d, app)
        wait_for(f"trouble of {fault}", lambda: row(pg, d, app, "hooks_attempts > 0 AND hooks_error <> ''")[0], 20)
        if fault in ("403", "409", "404", "error_500", "redirect"):
            assert {"error_500": "500", "redirect": "302"}.get(fault, fault) in row(pg, d, app, "hooks_error")[0]
        with pg.connect(d.database) as c, c.cursor() as q:     # let nobody else's look have the next fault
            q.execute("UPDATE dialpad_connections SET hooks_due_at = now() + interval '1 hour'")
        made.append(app)
    with pg.connect(d.database) as c, c.cursor() as q:
        q.execute("UPDATE dialpad_connections SET hooks_due_at = now()")
    for app in made:
        good(pg, d, sim, app)
        assert row(pg, d, app, "state, hooks_attempts, hooks_error") == ("connected", 0, None)
    with sim.sim.lock:
        assert len(sim.sim.webhooks) == len(sim.sim.subscriptions) == len(made), "never a second one"


def test_no_administrator_is_told_clearly(pg, d, sim, app):
    sim.misbehave(times=999, **{"rest.POST subscriptions": "403"})
    connect(pg, d, app)
    trouble(pg, d, app, "administrator")
    shown = ringd.ringctl("dialpad", "status", app["id"], database=pg.dsn(d.database))[0]
    assert "403" in shown["last_error"] and shown["webhook_id"] is not None, shown
    sim.sim.faults.clear()
    good(pg, d, sim, app)


def test_the_limit_of_company_wide_ones(pg, d, sim, app):
    theirs = foreign(sim, 10)
    connect(pg, d, app)
    trouble(pg, d, app, "10 company-wide")
    with sim.sim.lock:
        assert len(sim.sim.subscriptions) == 10
        del sim.sim.subscriptions[next(k for k, s in sim.sim.subscriptions.items() if s["endpoint_id"] == theirs[0])]
    good(pg, d, sim, app)
    with sim.sim.lock:
        assert len(sim.sim.subscriptions) == 10


def test_the_limit_of_all(pg, d, sim, app):
    foreign(sim, 100, target_id=7)
    asked = sim.count("rest.POST subscriptions/{id}")
    connect(pg, d, app)
    trouble(pg, d, app, "100 call subscriptions already")
    assert sim.count("rest.POST subscriptions/{id}") == asked, "not even asked for"
    with sim.sim.lock:
        sim.sim.subscriptions.popitem()
    good(pg, d, sim, app)


def test_retry_after_is_obeyed(pg, another, sim):
    """Also across a restart: what this courier was told stands in the row."""
    x = another().start()
    app = ringd.ringctl("app", "create", "Patient", database=pg.dsn(x.database))
    sim.set(retry_after=12)
    sim.misbehave(**{"rest.POST webhooks": "429"})
    before, at = mark(sim), time.monotonic()
    connect(pg, x, app)
    trouble(pg, x, app, "429")
    assert row(pg, x, app, "hooks_due_at > now() + interval '9 seconds'") == (True,)
    assert x.stop() == 0
    x.start()
    wait_for("the next", lambda: len(log_since(sim, before, "POST /api/v2/webhooks")) == 2, 40, 0.02)
    assert time.monotonic() - at >= 11.5
    good(pg, x, sim, app)


def test_an_expired_token_is_renewed_on_the_way(pg, d, sim, app):
    connect(pg, d, app)
    good(pg, d, sim, app)
    renewed = sim.count("token.refresh_token")
    with sim.sim.lock:
        for held in sim.sim.access.values():
            held["until"] = 0
        sim.sim.webhooks.clear()
    wait_for("a renewal", lambda: sim.count("token.refresh_token") > renewed)
    good(pg, d, sim, app)


def test_a_dead_grant_stops_it(pg, d, sim, app):
    connect(pg, d, app)
    good(pg, d, sim, app)
    with sim.sim.lock:
        sim.sim.access.clear()
        sim.sim.refresh.clear()
    wait_for("needs_reconnect", lambda: row(pg, d, app, "state") == ("needs_reconnect",))
    connect(pg, d, app)
    good(pg, d, sim, app)


def test_a_disabled_hook_stays_disabled(pg, d, sim, app):
    connect(pg, d, app)
    good(pg, d, sim, app)
    hook = hooks(pg, d, app)[0][1]
    ringd.ringctl("hook", "disable", app["id"], hook, database=pg.dsn(d.database))
    trouble(pg, d, app, "hook is disabled")
    ringd.ringctl("hook", "enable", app["id"], hook, database=pg.dsn(d.database))
    good(pg, d, sim, app)


def test_a_disabled_app_is_not_registered(pg, d, sim, app):
    connect(pg, d, app)
    good(pg, d, sim, app)
    ringd.ringctl("app", "disable", app["id"], database=pg.dsn(d.database))
    time.sleep(0.5)
    with sim.sim.lock:
        sim.sim.webhooks.clear()
    time.sleep(3)
    with sim.sim.lock:
        assert not sim.sim.webhooks
    ringd.ringctl("app", "enable", app["id"], database=pg.dsn(d.database))
    good(pg, d, sim, app)


@pytest.mark.parametrize("place,fault", [
    ("GET webhooks", "hang"), ("POST webhooks", "hang"), ("POST webhooks", "unanswered"), ("GET subscriptions", "hang"),
    ("POST subscriptions", "hang"), ("POST subscriptions", "unanswered"),
])
def test_killed_in_the_middle(pg, another, sim, place, fault):
    """hang: not done; unanswered: done, and nobody was there to hear it."""
    x = another().start()
    app = ringd.ringctl("app", "create", "Killed", database=pg.dsn(x.database))
    seen = sim.count(f"fault.rest.{place}.{fault}")
    sim.misbehave(**{"rest." + place: fault})
    connect(pg, x, app)
    wait_for("the request", lambda: sim.count(f"fault.rest.{place}.{fault}") > seen)
    [pid] = x.pids("courier")
    os.kill(pid, 9)
    wait_for("another courier", lambda: x.pids("courier") not in ([], [pid]), 30)
    good(pg, x, sim, app, 60)
    with sim.sim.lock:
        assert len(sim.sim.webhooks) == len(sim.sim.subscriptions) == 1


def test_stopped_in_the_middle(pg, another, sim):
    """Whatever is under way is let go of: nothing leaks, nothing hangs, the next start goes on."""
    x = another().start()
    app = ringd.ringctl("app", "create", "Stopped", database=pg.dsn(x.database))
    for place in ("GET webhooks", "POST subscriptions"):
        sim.misbehave(**{"rest." + place: "unanswered"})
        seen = sim.count(f"fault.rest.{place}.unanswered")
        connect(pg, x, app)
        wait_for(place, lambda: sim.count(f"fault.rest.{place}.unanswered") > seen, 30)
        assert x.stop() == 0, x.text()[-3000:]
        x.start()
        good(pg, x, sim, app, 60)
        with sim.sim.lock:
            sim.sim.webhooks.clear()
            sim.sim.subscriptions.clear()


def test_nobody_waits_for_a_lease_whose_holder_lost_an_answer(pg, d, sim, app):
    connect(pg, d, app)
    good(pg, d, sim, app)
    sim.set(slow_seconds=0.3)
    sim.misbehave(**{"rest.GET webhooks": "slow"})
    seen = sim.count("fault.rest.GET webhooks.slow")
    with sim.sim.lock:
        sim.sim.subscriptions.clear()
    wait_for("a look", lambda: sim.count("fault.rest.GET webhooks.slow") > seen, 20)
    with pg.connect(d.database) as held:        # its next word to the database gets no answer in time
        held.cursor().execute("BEGIN; LOCK TABLE dialpad_connections")
        time.sleep(1.8)
    good(pg, d, sim, app, 6)                    # the lease it held would go on for nine seconds


def test_two_daemons_register_one(pg, d, sim, another):
    other = another(d.database)
    other.config.write_text(other.config.read_text().replace(f"public_url: http://127.0.0.1:{other.port}", f"public_url: http://127.0.0.1:{d.port}"))
    other.start()
    made = [ringd.ringctl("app", "create", f"Both {n}", database=pg.dsn(d.database)) for n in range(4)]
    before = sim.count("made.webhooks")
    for a in made:
        connect(pg, d, a)

    def all_good():
        try:
            for a in made:
                good(pg, d, sim, a)
        except AssertionError as e:
            raise AssertionError(f"{e}\n---- and the other:\n{other.text()[-4000:]}") from None
    all_good()
    for _ in range(4):
        with sim.sim.lock:
            sim.sim.subscriptions.clear()
        all_good()
    assert sim.count("made.webhooks") == before + len(made)
    with sim.sim.lock:
        assert len(sim.sim.webhooks) == len(sim.sim.subscriptions) == len(made)


# ---- rotating


def rotate(pg, d, app, *more, check=True):
    return ringd.ringctl("hook", "rotate", app["id"], hooks(pg, d, app)[0][1], "--admin", d.manage, *more, database=pg.dsn(d.database),
                         config=d.config, check=check)


def test_a_new_secret_loses_no_event(pg, d, sim, app):
    connect(pg, d, app)
    good(pg, d, sim, app)
    made, go_on = [], threading.Event()

    def stream():
        while not go_on.is_set():
            made.extend(sim.sim.happen(2, "inbound"))
            time.sleep(0.01)
    t = threading.Thread(target=stream)
    t.start()
    try:
        first = hooks(pg, d, app)[0][2]
        for _ in range(3):
            time.sleep(0.4)
            done = rotate(pg, d, app, "--overlap", "1h")
            assert done["state"] == "rotated" and done["previous_until"] is not None and "secret" not in done, done
            time.sleep(0.4)
    finally:
        go_on.set()
        t.join()
    wait_for("all deliveries", lambda: sim.sim.outbox.qsize() == 0, 30)
    wait_for("every call", lambda: set(made) <= calls(pg, d, app), 30)
    assert sim.count("delivered.401") == 0
    good(pg, d, sim, app)
    assert hooks(pg, d, app)[0][2] != first
    report = ringd.ringctl("hook", "secrets", app["id"], database=pg.dsn(d.database))
    assert len(report) == 1 and report[0]["current"] > 0 and report[0]["state"] == "used", report


def test_while_dialpad_is_not_told_both_stay_good(pg, d, sim, app):
    connect(pg, d, app)
    good(pg, d, sim, app)
    old = hooks(pg, d, app)[0][2]
    sim.misbehave(times=999, **{"rest.PATCH webhooks": "error_503"})
    done = rotate(pg, d, app, "--overlap", "0s", "--wait", "1s", check=False)
    assert done.returncode == 1 and "not been told" in done.stderr
    again = rotate(pg, d, app, check=False)
    assert again.returncode == 1 and "not been told of the last" in again.stderr
    idle = ringd.ringctl("hook", "rotate", app["id"], "--when-idle", "--idle", "0s", database=pg.dsn(d.database), check=False)
    assert idle.returncode == 1 and '"untold"' in idle.stdout, idle
    with sim.sim.lock:
        ids = sim.sim.happen(1, "missed")
    wait_for("a call signed with the old one", lambda: set(ids) <= calls(pg, d, app))
    assert hooks(pg, d, app)[0][3] == old
    sim.sim.faults.clear()
    good(pg, d, sim, app)
    assert row(pg, d, app, "rotation_overlap_ms") == (None,)
    before = sim.count("delivered.401")
    # No overlap was wanted: the old one is good no more.
    with pg.connect(d.database) as c, c.cursor() as q:
        q.execute("SELECT previous_until <= now() FROM hook_lookup WHERE app_id = %s", (app["id"],))
        assert q.fetchall() == [(True,)]
    [w], _ = standing(pg, d, sim, app)
    path = "/webhooks/dialpad/" + w["hook_url"].rsplit("/", 1)[-1]
    wait_for("the workers to know", lambda: d.post(path, ringd.jwt(ringd.call_event(4711), old)).status == 401, 10, 0.5)
    assert d.post(path, ringd.jwt(ringd.call_event(4711), hooks(pg, d, app)[0][2])).status == 200
    assert sim.count("delivered.401") == before


def test_the_courier_killed_while_it_rotates(pg, d, sim, app):
    connect(pg, d, app)
    good(pg, d, sim, app)
    sim.misbehave(**{"rest.PATCH webhooks": "unanswered"})
    seen = sim.count("fault.rest.PATCH webhooks.unanswered")
    rotate(pg, d, app, "--wait", "0s", check=False)
    wait_for("the request", lambda: sim.count("fault.rest.PATCH webhooks.unanswered") > seen)
    [pid] = d.pids("courier")
    os.kill(pid, 9)
    good(pg, d, sim, app, 60)
    wait_for("the end of it", lambda: row(pg, d, app, "rotation_overlap_ms") == (None,))


def test_an_old_secret_ends_when_idle(pg, d, sim, app):
    connect(pg, d, app)
    good(pg, d, sim, app)
    old = hooks(pg, d, app)[0][2]
    rotate(pg, d, app, "--overlap", "7d")
    [w], _ = standing(pg, d, sim, app)
    path = "/webhooks/dialpad/" + w["hook_url"].rsplit("/", 1)[-1]
    calls = itertools.count(1)

    def used():
        """A worker that has not heard of the change yet takes the old secret for the one that holds."""
        assert d.post(path, ringd.jwt(ringd.call_event(next(calls)), old)).status == 200
        [r] = ringd.ringctl("hook", "secrets", app["id"], database=pg.dsn(d.database))
        return r if r["previous"] > 0 else None
    r = wait_for("the old secret to be an old one", used, 10, 0.3)
    assert r["state"] == "used" and r["previous_used_at"] and r["previous_until"], r
    kept = ringd.ringctl("hook", "rotate", app["id"], hooks(pg, d, app)[0][1], "--when-idle", database=pg.dsn(d.database), check=False)
    assert kept.returncode == 1 and "1 old secret is still used" in kept.stderr, kept
    assert hooks(pg, d, app)[0][3] == old
    [listed] = ringd.ringctl("hook", "list", app["id"], database=pg.dsn(d.database))
    assert listed["previous_until"] is not None
    time.sleep(1.2)
    [r] = ringd.ringctl("hook", "rotate", app["id"], "--when-idle", "--idle", "1s", database=pg.dsn(d.database))
    assert r["state"] == "ended" and hooks(pg, d, app)[0][3] is None, r
    wait_for("the worker to know", lambda: d.post(path, ringd.jwt(ringd.call_event(999), old)).status == 401, 10, 0.5)
    [r] = ringd.ringctl("hook", "rotate", app["id"], "--when-idle", database=pg.dsn(d.database))
    assert r["state"] == "one"
    assert ringd.ringctl("hook", "rotate", "--when-idle", "--idle", "0s", database=pg.dsn(d.database)) is not None


def test_when_idle_counts_the_rotation_itself(pg, d, app):
    """Just before it events used the old secret, then as the current one."""
    hook = ringd.ringctl("hook", "create", app["id"], database=pg.dsn(d.database))
    ringd.ringctl("hook", "rotate", app["id"], hook["id"], "--overlap", "7d", database=pg.dsn(d.database))
    kept = ringd.ringctl("hook", "rotate", app["id"], hook["id"], "--when-idle", database=pg.dsn(d.database), check=False)
    assert kept.returncode == 1 and '"used"' in kept.stdout
    nobody = ringd.ringctl("hook", "rotate", app["id"], app["id"], "--when-idle", database=pg.dsn(d.database), check=False)
    assert nobody.returncode == 3
    assert ringd.ringctl("hook", "rotate", app["id"], database=pg.dsn(d.database), check=False).returncode == 2


# ---- for administrators


def manage(pg, d, verb, app, *more, check=True):
    return ringd.ringctl("dialpad", verb, app, "--admin", d.manage, *more, database=pg.dsn(d.database), config=d.config, check=check)


def test_a_token_is_renewed_now(pg, d, sim, app):
    connect(pg, d, app)
    before, token = sim.count("token.refresh_token"), bytes(row(pg, d, app, "access_token")[0])
    assert manage(pg, d, "refresh", app["id"])["state"] == "renewed"
    assert sim.count("token.refresh_token") == before + 1 and bytes(row(pg, d, app, "access_token")[0]) != token
    sim.misbehave(times=9, token="error_503")
    failed = manage(pg, d, "refresh", app["id"], check=False)
    assert failed.returncode == 1 and "503" in failed.stderr, failed
    sim.sim.faults.clear()
    with sim.sim.lock:
        sim.sim.refresh.clear()
    dead = manage(pg, d, "refresh", app["id"], check=False)
    assert dead.returncode == 1 and row(pg, d, app, "state") == ("needs_reconnect",), dead
    dead = manage(pg, d, "refresh", app["id"], check=False)
    assert dead.returncode == 1 and "new consent" in dead.stderr


def test_without_refresh_token_it_says_so(pg, d, sim, app):
    sim.set(refresh=False)
    connect(pg, d, app)
    sim.set(refresh=True)
    failed = manage(pg, d, "refresh", app["id"], check=False)
    assert failed.returncode == 1 and "offline_access" in failed.stderr


@pytest.mark.parametrize("verb", ["refresh", "disconnect"])
def test_wrong_names(pg, d, app, verb):
    assert manage(pg, d, verb, "Nobody", check=False).returncode == 3
    unconnected = manage(pg, d, verb, app["id"], check=False)
    assert unconnected.returncode == 3 and "not connected" in unconnected.stderr
    assert ringd.ringctl("dialpad", verb, check=False).returncode == 2
    gone = ringd.ringctl("dialpad", verb, app["id"], "--admin", "unix:/nowhere", database=pg.dsn(d.database), check=False)
    assert gone.returncode == 1 and "is ringd running?" in gone.stderr


def test_it_goes_in_order(pg, d, sim, app):
    connect(pg, d, app)
    good(pg, d, sim, app)
    [w], [s] = standing(pg, d, sim, app)
    [hook] = hooks(pg, d, app)
    before, given_back = mark(sim), sim.count("deauthorized")
    assert manage(pg, d, "disconnect", app["id"])["state"] == "disconnected"
    changes = [line for line in log_since(sim, before, "") if not line.startswith("GET")]
    assert changes == [f"DELETE /api/v2/subscriptions/call/{s['id']}", f"DELETE /api/v2/webhooks/{w['id']}", "POST /oauth2/deauthorize"]
    assert row(pg, d, app, "state") is None and sim.count("deauthorized") == given_back + 1
    with sim.sim.lock:
        assert not sim.sim.webhooks and not sim.sim.subscriptions
    # What still comes is refused for good: Dialpad does not send it again.
    [after] = hooks(pg, d, app)
    assert after[4] is False and after[3] is None
    path = "/webhooks/dialpad/" + w["hook_url"].rsplit("/", 1)[-1]
    wait_for("the worker to know", lambda: d.post(path, ringd.jwt(ringd.call_event(3), hook[2])).status == 404, 10, 0.5)
    # And the way back is open.
    connect(pg, d, app)
    good(pg, d, sim, app)
    assert [h for h in hooks(pg, d, app) if h[4]][0][1] != hook[1]


@pytest.mark.parametrize("gone", ["webhooks", "subscriptions", "both", "404 to all", "disabled app"])
def test_what_is_gone_already_is_done(pg, d, sim, app, gone):
    connect(pg, d, app)
    good(pg, d, sim, app)
    if gone == "disabled app":
        ringd.ringctl("app", "disable", app["id"], database=pg.dsn(d.database))
    if gone == "404 to all":
        sim.misbehave(times=9, **{"rest.DELETE webhooks": "404", "rest.DELETE subscriptions": "404", "deauthorize": "404"})
    with sim.sim.lock:
        for kind in ("webhooks", "subscriptions"):
            if gone in (kind, "both"):
                getattr(sim.sim, kind).clear()
    logged = len(d.text())
    assert manage(pg, d, "disconnect", app["id"])["state"] == "disconnected"
    assert "left as it is" not in d.text()[logged:]
    with sim.sim.lock:
        assert gone == "404 to all" or (not sim.sim.webhooks and not sim.sim.subscriptions)


@pytest.mark.parametrize("place", ["rest.GET webhooks", "rest.DELETE subscriptions", "rest.DELETE webhooks", "deauthorize"])
def test_an_outage_in_the_middle_is_gone_on_from(pg, d, sim, app, place):
    connect(pg, d, app)
    good(pg, d, sim, app)
    sim.misbehave(times=999, **{place: "error_500"})
    begun = manage(pg, d, "disconnect", app["id"], "--wait", "2s", check=False)
    assert begun.returncode == 1 and "goes on by itself" in begun.stderr and '"disconnecting"' in begun.stdout, begun
    trouble(pg, d, app, "500")
    assert row(pg, d, app, "state") == ("disconnecting",)
    # Nobody connects in between: that would end in the middle of this.
    browser = Browser()
    url = ringd.ringctl("dialpad", "connect-url", app["id"], database=pg.dsn(d.database), config=d.config)["url"]
    sim_answer = browser.get(browser.consent(browser.get(url).headers["location"]))
    assert sim_answer.status == 503
    [pid] = d.pids("courier")
    os.kill(pid, 9)
    sim.sim.faults.clear()
    wait_for("the end", lambda: row(pg, d, app, "state") is None, 60)
    with sim.sim.lock:
        assert not sim.sim.webhooks and not sim.sim.subscriptions


def test_with_an_expired_token(pg, d, sim, app):
    connect(pg, d, app)
    good(pg, d, sim, app)
    with sim.sim.lock:
        for held in sim.sim.access.values():
            held["until"] = 0
    assert manage(pg, d, "disconnect", app["id"])["state"] == "disconnected"
    with sim.sim.lock:
        assert not sim.sim.webhooks and not sim.sim.subscriptions


def test_with_a_dead_grant(pg, d, sim, app):
    connect(pg, d, app)
    good(pg, d, sim, app)
    [w], _ = standing(pg, d, sim, app)
    with sim.sim.lock:
        sim.sim.access.clear()
        sim.sim.refresh.clear()
    wait_for("needs_reconnect", lambda: row(pg, d, app, "state") == ("needs_reconnect",))
    done = manage(pg, d, "disconnect", app["id"], check=False)
    assert done.returncode == 0 and '"disconnected"' in done.stdout and str(w["id"]) in done.stderr, done
    assert row(pg, d, app, "state") is None


def test_only_here(pg, d, sim, app):
    connect(pg, d, app)
    good(pg, d, sim, app)
    [w], _ = standing(pg, d, sim, app)
    secret, before = hooks(pg, d, app)[0][2], mark(sim)
    sim.misbehave(times=999, rest="error_503", deauthorize="error_503")
    assert ringd.ringctl("dialpad", "disconnect", app["id"], "--forget", database=pg.dsn(d.database))["state"] == "disconnected"
    assert row(pg, d, app, "state") is None and not [x for x in log_since(sim, before, "") if not x.startswith("GET")]
    path = "/webhooks/dialpad/" + w["hook_url"].rsplit("/", 1)[-1]
    wait_for("the worker to know", lambda: d.post(path, ringd.jwt(ringd.call_event(3), secret)).status == 404, 10, 0.5)
    again = ringd.ringctl("dialpad", "disconnect", app["id"], "--forget", database=pg.dsn(d.database), check=False)
    assert again.returncode == 3


@pytest.mark.parametrize("more", [(), ("--forget",)])
def test_no_gap_stays_open(pg, d, sim, app, more):
    """Nobody could ask for it any more; one of another app is not touched."""
    other = ringd.ringctl("app", "create", f"Other {time.monotonic_ns()}", database=pg.dsn(d.database))
    connect(pg, d, app)
    good(pg, d, sim, app)
    with pg.connect(d.database) as c, c.cursor() as q:
        for x in (app, other):
            q.execute("INSERT INTO dialpad_gaps (app_id, id, from_at, to_at, reason, next_try_at, created_at) VALUES (%s, gen_random_uuid(), "
                      "now() - interval '1 hour', now(), 'asked', now() + interval '1 hour', now())", (x["id"],))
    ringd.ringctl("dialpad", "disconnect", app["id"], *(more or ("--admin", d.manage)), database=pg.dsn(d.database))
    [gap] = ringd.ringctl("gap", "list", app["id"], database=pg.dsn(d.database))
    assert gap["state"] == "failed" and gap["done_at"] and gap["last_error"] == "the app was disconnected from Dialpad", gap
    assert [g["state"] for g in ringd.ringctl("gap", "list", other["id"], database=pg.dsn(d.database))] == ["open"]
    with pg.connect(d.database) as c, c.cursor() as q:
        q.execute("DELETE FROM dialpad_gaps WHERE app_id = %s", (other["id"],))


def test_refused_for_good_is_left_behind(pg, d, sim, app):
    connect(pg, d, app)
    good(pg, d, sim, app)
    sim.misbehave(times=9, **{"rest.DELETE webhooks": "403"})
    assert manage(pg, d, "disconnect", app["id"])["state"] == "disconnected"
    assert 'left as it is what="the webhook" status=403' in d.text()


def test_while_it_is_being_registered(pg, d, sim, app):
    sim.misbehave(**{"rest.POST webhooks": "slow"})
    seen = sim.count("fault.rest.POST webhooks.slow")
    connect(pg, d, app)
    wait_for("the request", lambda: sim.count("fault.rest.POST webhooks.slow") > seen)
    assert manage(pg, d, "disconnect", app["id"])["state"] == "disconnected"


@pytest.mark.parametrize("path,status", [
    ("/dialpad/refresh", 400), ("/dialpad/refresh?app=x", 400), ("/dialpad/disconnect?app=", 400), ("/dialpad/disconnect?app=1&app=2", 400),
    ("/dialpad/rotate?app={app}&overlap=-1", 400), ("/dialpad/rotate?app={app}&overlap=99999999999", 400), ("/dialpad/rotate?other={app}", 400),
    ("/dialpad/refresh?app={app}&overlap=1", 400), ("/dialpad/rotate?app={app}", 200),
])
def test_the_admin_routes_say_what_is_wrong(d, app, path, status):
    a = post(d, path.format(app=app["id"]))
    assert a.status == status, a
    if status == 200:
        assert a.json["data"]["outcome"] == "not_connected"


def post(d, path):
    import http.client
    import socket

    class Unix(http.client.HTTPConnection):
        def connect(self):
            self.sock = socket.socket(socket.AF_UNIX)
            self.sock.connect(d.manage[5:])
    c = Unix("localhost", timeout=20)
    c.request("POST", path, body=b"")
    r = c.getresponse()
    answer = ringd.Answer(r.status, dict(r.getheaders()), r.read())
    c.close()
    return answer
