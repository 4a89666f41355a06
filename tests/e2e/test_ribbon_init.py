"""The ribbon's beginning: who may begin a session, from which page, for which agent, for how long."""
import pytest

from dialpad_sim import key_ring
from ribbon import ORIGIN, Crm, allowed, refused


@pytest.fixture(scope="module")
def d(new_daemon):
    x = new_daemon()
    x.write(courier={"key_file": str(key_ring(x.base))}, ribbon={"dispositions": '["Sold", "Call back"]'})
    x.start()
    yield x
    assert x.stop() == 0, x.text()[-3000:]
    assert "Sanitizer" not in x.text() and "runtime error:" not in x.text()


@pytest.fixture(scope="module")
def crm(pg, d):
    return Crm(pg, d)


def test_a_session_begins(crm):
    a = crm.init()
    assert a.status == 200, a
    assert allowed(a) == ORIGIN and a.headers["vary"] == "Origin" and a.headers["cache-control"] == "no-store"
    assert "access-control-allow-credentials" not in a.headers
    data = a.json["data"]
    assert data["agent"] == {"id": "dana", "name": "Dana"} and data["mode"] == "callback" and data["sip"] is None
    assert data["usage"]["used"] == 0 and data["usage"]["limit"] is None and data["dispositions"] == ["Sold", "Call back"]
    assert data["session"]["token"].startswith("rs_") and 0 < data["session"]["renew_in_ms"] < 900_000


def test_it_is_renewed_and_ends(crm):
    s = crm.session()
    a = s.post("renew")
    assert a.status == 200 and a.json["data"]["expires_at"] >= s.data["session"]["expires_at"], a
    assert s.post("end").status == 200
    refused(s.post("renew"), 401, "session_revoked", ORIGIN)
    refused(s.post("end"), 401, "session_revoked", ORIGIN)
