"""The sample file, replayed in order, shuffled and doubled, ends in the same five calls; so says the API and so says the database."""
import json
import random

import pytest

import ringd
from ringd import SAMPLES, drained, jwt

FIELDS = ("dialpad_call_id", "direction", "from_number", "to_number", "status", "outcome", "talk_time_ms", "recording_url",
          "recording_type", "agent_name", "started_at", "connected_at", "ended_at", "has_recording", "dialpad_state")

EXPECTED = {
    5031100220033001: ("inbound", "+15550142233", "+15550100101", "ended", "answered", 123480,
                       "https://dialpad.example/blob/callrecording/rec-7f31.mp3", "Dana Ortiz"),
    5031100220033002: ("inbound", "+15550148899", "+15550100102", "ended", "missed", 0, None, "Lee Marsh"),
    5031100220033003: ("inbound", "+15550142233", "+15550100101", "ended", "voicemail", 0,
                       "https://dialpad.example/secureblob/voicemail/vm-20c4.mp3", "Dana Ortiz"),
    5031100220033010: ("inbound", "+15550148899", "+15550100110", "ended", "answered", 221000, None, "Dana Ortiz"),
    5031100220033020: ("outbound", "+15550100102", "+15550177001", "ended", "missed", 0, None, "Lee Marsh"),
}


def calls_of(daemon, tenant):
    data = daemon.get("/api/calls?limit=200", tenant.key).json
    return {c["dialpad_call_id"]: {f: c[f] for f in FIELDS} for c in data["data"]}


@pytest.fixture(scope="module")
def in_order(daemon, pg, db):
    t = ringd.Tenant(pg.dsn(daemon.database), "In order")
    for e in SAMPLES:
        assert daemon.post(t.path, jwt(e, t.secret)).status == 200
        drained(db)             # every event alone: the slowest, plainest way
    return calls_of(daemon, t)


def test_in_order(in_order):
    assert len(in_order) == 5
    for call_id, (direction, source, to, status, outcome, talk, recording, agent) in EXPECTED.items():
        c = in_order[call_id]
        assert (c["direction"], c["from_number"], c["to_number"]) == (direction, source, to)
        assert (c["status"], c["outcome"], c["talk_time_ms"]) == (status, outcome, talk)
        assert (c["recording_url"], c["agent_name"]) == (recording, agent)


@pytest.mark.parametrize("seed", range(8))
def test_shuffled_and_doubled(daemon, pg, db, in_order, seed):
    t = ringd.Tenant(pg.dsn(daemon.database), f"Shuffled {seed}")
    events = SAMPLES * 2
    random.Random(seed).shuffle(events)
    for i, e in enumerate(events):
        assert daemon.post(t.path, jwt(e, t.secret)).status == 200
        if seed % 2 and i % 5 == 0:
            drained(db)
    drained(db)
    assert calls_of(daemon, t) == in_order
    with db.cursor() as c:
        c.execute("SELECT count(*) FROM webhook_events WHERE app_id = %s", (t.id,))
        assert c.fetchone()[0] == len(SAMPLES)


def test_an_id_that_was_merged_still_leads_to_the_call(daemon, pg, db):
    """The entry leg and the agent's leg are two calls until the queue leg names both."""
    t = ringd.Tenant(pg.dsn(daemon.database), "Merge")
    entry, agent, queue = SAMPLES[6], SAMPLES[7], SAMPLES[8]
    for e in (entry, agent):
        daemon.post(t.path, jwt(e, t.secret))
        drained(db)
    before = [c["id"] for c in daemon.get("/api/calls", t.key).json["data"]]
    assert len(before) == 2
    daemon.post(t.path, jwt(queue, t.secret))
    drained(db)
    after = daemon.get("/api/calls", t.key).json["data"]
    assert len(after) == 1
    for old in before:
        answer = daemon.get(f"/api/calls/{old}", t.key)
        assert answer.status == 200 and answer.json["data"]["id"] == after[0]["id"]
        assert answer.json["data"]["legs"] == 3


def test_one_recording_known_first_by_its_address_then_by_its_id(daemon, pg, db):
    t = ringd.Tenant(pg.dsn(daemon.database), "Recordings")
    url = "https://dialpad.example/r/" + "x" * 3500
    base = {**SAMPLES[3], "call_id": 880100, "call_recording_ids": []}
    first = {**base, "recording_url": [url], "recording_details": []}
    second = {**base, "recording_url": [url], "event_timestamp": base["event_timestamp"] + 1,
              "recording_details": [{"id": "rec-1", "url": url, "recording_type": "callrecording", "start_time": 1790000006300, "duration": 5}]}
    for e in (first, second):
        assert daemon.post(t.path, jwt(e, t.secret)).status == 200
        drained(db)
        call = daemon.get("/api/calls", t.key).json["data"][0]
        detail = daemon.get(f"/api/calls/{call['id']}", t.key).json["data"]
        assert [r["url"] for r in detail["recordings"]] == [url]
    assert detail["recordings"][0]["id"] == "rec-1" and detail["recording_url"] == url


def test_an_id_here_that_is_an_address_there(daemon, pg, db):
    t = ringd.Tenant(pg.dsn(daemon.database), "Odd ids")
    e = {"call_id": 21, "state": "hangup", "event_timestamp": 1790000083843, "voicemail_recording_id": "77", "recording_url": "77"}
    assert daemon.post(t.path, jwt(e, t.secret)).status == 200
    drained(db)
    assert daemon.get("/api/calls", t.key).json["data"][0]["status"] == "ended"


def test_states_never_go_back(daemon, pg, db):
    t = ringd.Tenant(pg.dsn(daemon.database), "Forward")
    base = dict(SAMPLES[2])
    seen = []
    for state, ts in (("ringing", 1), ("connected", 3), ("hold", 4), ("ringing", 2), ("hangup", 6), ("connected", 5), ("ringing", 9)):
        e = {**base, "call_id": 880001, "state": state, "event_timestamp": 1790000000000 + ts * 1000,
             "date_connected": None if state == "ringing" else base["date_connected"],
             "date_ended": base["date_ended"] if state == "hangup" else None, "talk_time": None}
        daemon.post(t.path, jwt(e, t.secret))
        drained(db)
        seen.append(daemon.get("/api/calls", t.key).json["data"][0]["status"])
    assert seen == ["ringing", "active", "active", "active", "ended", "ended", "ended"]


def test_seed_dialect_whole_life(daemon, pg, db):
    t = ringd.Tenant(pg.dsn(daemon.database), "Seeds")
    call = {"id": 123456789, "direction": "inbound", "from": "+15551234567", "to": "+15559876543",
            "started_at": "2026-01-27T10:30:00.000Z"}
    steps = [("call.ring", {}, "ringing"), ("call.started", {}, "active"),
             ("call.ended", {"ended_at": "2026-01-27T10:35:00.000Z"}, "ended"),
             ("call.recording.completed", {"recording_url": "https://example.com/r.mp3"}, "ended")]
    for i, (kind, more, status) in enumerate(steps):
        body = json.dumps({"event_type": kind, "call": {**call, **more}, "timestamp": 1769510000000 + i})
        assert daemon.post(t.path, body, {"x-dialpad-signature": ringd.seed_signature(body, t.secret)}).status == 200
        drained(db)
        c = daemon.get("/api/calls", t.key).json["data"][0]
        assert c["status"] == status, (kind, c)
    assert c["dialpad_call_id"] == 123456789 and c["outcome"] == "answered"
    assert (c["from_number"], c["to_number"]) == ("+15551234567", "+15559876543")
    assert c["started_at"] == "2026-01-27T10:30:00.000Z" and c["recording_url"] == "https://example.com/r.mp3"
