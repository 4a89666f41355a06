"""What is refused costs nothing: whoever is told no, for whatever reason, has taken no place in the month and left no call behind."""
import threading
import time

import pytest

import ringd
from exotel_sim import Exotel
from ribbon import ORIGIN, refused
from ringd import wait_for
from test_ribbon_calls import Linked, daemon_for, left


@pytest.fixture(scope="module")
def sim():
    s = Exotel()
    s.set(rate=100000)
    yield s
    s.stop()


@pytest.fixture(autouse=True)
def calm(sim):
    yield
    sim.sim.forget()
    sim.sim.devices_off.clear()


@pytest.fixture(scope="module")
def d(new_daemon, sim):
    x = daemon_for(new_daemon, sim, workers=1)
    yield x
    assert x.stop() == 0, x.text()[-3000:]


@pytest.mark.parametrize("how", ["revoked", "agent", "key", "origin", "expired"])
def test_a_session_that_ended_decides_nothing_anew(pg, d, sim, how):
    """A wish that the month had no place for is decided again when it is asked again, but only by whoever may ask."""
    crm = Linked(pg, d, limit=1)
    other = Linked(pg, d)           # the page stays somebody's
    s = crm.session()
    assert s.dial().status == 201
    refused(s.dial(key="k"), 429, "limit_reached", ORIGIN)
    crm.ctl("client", "change", crm.id, crm.web_id, "--monthly-limit", "9")
    before = crm.usage(), crm.calls(), len(crm.audit())
    crm.sql({"revoked": "UPDATE ribbon_sessions SET revoked_at = now() WHERE app_id = %s",
             "agent": "UPDATE ribbon_agents SET is_active = false WHERE app_id = %s",
             "key": "UPDATE api_keys SET revoked_at = now() WHERE app_id = %s AND kind = 'browser'",
             "origin": "DELETE FROM ribbon_origins WHERE app_id = %s",
             "expired": "UPDATE ribbon_sessions SET expires_at = now() WHERE app_id = %s"}[how], crm.id)
    a = s.dial(key="k")
    assert a.status in (401, 403), a
    assert (crm.usage(), crm.calls(), len(crm.audit())) == before and left(sim) == 1, other.id


def test_what_is_over_the_rate_costs_nothing(pg, new_daemon, sim):
    x = daemon_for(new_daemon, sim, workers=1, limits={**ringd.FAR_LIMITS, "requests": 5, "window": "1h"})
    crm = Linked(pg, x)
    s = crm.session()
    codes = []
    for k in range(12):
        codes.append(s.dial(key=f"k{k}").status)
        time.sleep(0.06)            # so that the key is asked about again
    assert codes == [201] * 4 + [429] * 8       # its beginning was the first
    assert crm.usage() == [(4, 0)] and len(crm.calls()) == 4 == left(sim) and len(crm.audit("ribbon.dial")) == 4
    assert x.stop() == 0


def test_what_is_over_the_rate_is_not_done(pg, new_daemon, sim):
    """Neither a note nor a renewal, and the session goes on."""
    x = daemon_for(new_daemon, sim, workers=1, limits={**ringd.FAR_LIMITS, "requests": 3, "window": "1h"})
    crm = Linked(pg, x)
    s = crm.session()
    call = s.dial().json["data"]["id"]
    assert s.post(f"calls/{call}/note", {"note": "first"}).status == 200
    for path, body in ((f"calls/{call}/note", {"note": "second"}), (f"calls/{call}/state", {"held": True}), (f"calls/{call}/end", None),
                       ("renew", None), ("end", None)):
        time.sleep(0.06)
        refused(s.post(path, body), 429, "rate_limited", ORIGIN)
    assert crm.calls("state, note, held") == [("placed", "first", False)]
    assert crm.sql("SELECT renewed_at, revoked_at FROM ribbon_sessions WHERE id = %s", s.id) == [(None, None)]
    assert x.stop() == 0


def test_without_a_courier_nothing_is_taken(pg, new_daemon, sim):
    x = daemon_for(new_daemon, sim, workers=1)
    crm = Linked(pg, x)
    s = crm.session()
    assert s.dial(key="first").status == 201
    assert x.stop() == 0
    courier = x.settings["courier"]
    x.write(courier={})
    x.start()
    for _ in range(3):
        refused(s.dial(), 503, "courier_unavailable", ORIGIN)
    refused(s.dial(key="k"), 503, "courier_unavailable", ORIGIN)
    assert crm.usage() == [(1, 0)] and crm.calls() == [("placed", None)]
    a = s.dial(key="first")         # what was done is told all the same
    assert a.status == 201 and a.headers["idempotent-replayed"] == "true", a
    assert x.stop() == 0
    x.write(courier=courier)
    x.start()
    assert s.dial(key="k").status == 201 and crm.usage() == [(2, 0)]
    assert x.stop() == 0


def test_an_agent_who_hangs_up_before_exotel_says_no_pays_nothing(pg, d, sim):
    crm = Linked(pg, d)
    crm.add_phone()
    s, answers = crm.session("erin"), []
    sim.set(slow_seconds=1)
    sim.misbehave(outbound_call="slow")
    sim.sim.devices_off.add("agent7")
    t = threading.Thread(target=lambda: answers.append(s.dial(key="k")))
    t.start()
    wait_for("the request", lambda: [r[0] for r in crm.calls()] == ["sent"])
    [call] = s.get("calls").json["data"]
    assert s.post(f"calls/{call['id']}/end", {"reason": "changed my mind"}).json["data"]["state"] == "ended"
    t.join(20)
    refused(answers[0], 409, "agent_device_off", ORIGIN)
    assert crm.usage() == [(0, 0)] and crm.calls("state, error, end_reason") == [("failed", "device_off", "changed my mind")]
    refused(s.dial(key="k"), 409, "agent_device_off", ORIGIN)
    assert crm.usage() == [(0, 0)]
