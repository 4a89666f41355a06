"""The whole round: an agent dials, the courier asks Exotel, Exotel tells what becomes of it, and the agent sees the end."""
import pytest

exotel_sim = pytest.importorskip("exotel_sim")
ribbon = pytest.importorskip("ribbon")

import exotel_deliveries  # noqa: E402
from dialpad_sim import key_ring  # noqa: E402
from ringd import wait_for  # noqa: E402

NUMBER = "+919876543210"


@pytest.fixture(scope="module")
def sim():
    s = exotel_sim.Exotel()
    yield s
    s.stop()


@pytest.fixture(scope="module")
def d(new_daemon, sim):
    x = new_daemon()
    x.write(**exotel_sim.settings(sim, x.port, key_ring(x.base)))
    x.start()
    yield x
    assert x.stop() == 0, x.text()[-3000:]


class Linked(ribbon.Crm):
    """Linked with the simulator; Exotel knows where our hook is."""

    def __init__(self, pg, d, **more):
        self.hook = None
        super().__init__(pg, d, linked=False, **more)
        self.hook = exotel_deliveries.Hook(d, pg, self.id)
        exotel_sim.link(d, self.dsn, self.id, hook_url=f"http://127.0.0.1:{d.port}{self.hook.path}")


@pytest.fixture
def crm(pg, d, sim):
    sim.set(rate=100000, auto=None, early=False, double=False)
    yield Linked(pg, d)
    sim.sim.forget()


def test_a_dial_is_led_to_its_call_and_ends_with_it(d, sim, crm):
    page = crm.session()
    a = page.dial(NUMBER, context="deal 42, " + "a long story, " * 20)
    assert a.status == 201, a
    call, sid = a.json["data"]["id"], a.json["data"]["call_sid"]
    known = sim.call(sid)
    sim.sim.fire(known, "answered", "in-progress", wait=True)
    shown = wait_for("the call", lambda: d.get(f"/api/calls/{call}", crm.key).json.get("data"))
    assert (shown["provider"], shown["provider_call_id"], shown["direction"], shown["to_number"]) == ("exotel", sid, "outbound", NUMBER)
    assert shown["custom_data"].startswith("deal 42, ") and len(shown["custom_data"]) > 200, "all of it, though Exotel carries less"
    assert shown["agent_id"] == "dana"
    sim.sim.fire(known, "terminal", "completed", fields={"ConversationDuration": 7}, wait=True)
    wait_for("the agent to see the end", lambda: page.get(f"calls/{call}").json["data"]["state"] == "ended")
    seen = page.get(f"calls/{call}").json["data"]
    assert (seen["status"], seen["outcome"], seen["end_reason"]) == ("ended", "answered", "completed"), seen
    assert {c["status"] for c in sim.sim.callbacks} == {200}


def test_nobody_picks_up_and_the_form_is_the_one_nobody_asked_for(d, sim, crm):
    """Also in a form, the way Exotel sends where JSON was not asked for."""
    page = crm.session()
    placed = page.dial(NUMBER).json["data"]
    call, sid = placed["id"], placed["call_sid"]
    sim.sim.fire(sim.call(sid), "terminal", "no-answer", how="form", wait=True)
    wait_for("the end", lambda: page.get(f"calls/{call}").json["data"]["state"] == "ended")
    seen = page.get(f"calls/{call}").json["data"]
    assert (seen["outcome"], seen["end_reason"]) == ("missed", "no-answer"), seen


def test_callbacks_before_the_answer_and_each_twice(d, sim, crm):
    sim.set(early=True, double=True)
    page = crm.session()
    a = page.dial(NUMBER, context="early")
    assert a.status == 201, a
    call, sid = a.json["data"]["id"], a.json["data"]["call_sid"]
    sim.sim.fire(sim.call(sid), "terminal", "completed", fields={"ConversationDuration": 7}, wait=True)
    wait_for("the end", lambda: page.get(f"calls/{call}").json["data"]["state"] == "ended")
    shown = d.get(f"/api/calls/{call}", crm.key).json["data"]
    assert (shown["provider_call_id"], shown["custom_data"], shown["outcome"]) == (sid, "early", "answered")
    assert len(crm.sql("SELECT 1 FROM calls WHERE app_id = %s", crm.id)) == 1
