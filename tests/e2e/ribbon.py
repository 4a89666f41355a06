"""A CRM with pages and agents, as the call ribbon meets it: what its server signs, what its pages send."""
import hashlib
import hmac
import json
import time
import uuid

import ringd
import sealing
from ringd import b64url, request

ORIGIN = "https://crm.acme.example"
RING = {1: bytes.fromhex("5a" * 32)}       # what dialpad_sim.key_ring() writes
CANARIES = {"account_sid": "acmesid1", "app_token": "canary-app-token-71b2", "exotel_app_id": "app-1", "customer_id": "cust-1",
            "api_key": "canary-api-key-0a9d", "api_token": "canary-api-token-5c4e"}


def hmac_key(server_key):
    return hashlib.sha256(server_key.encode()).digest()


def agent_token(server_key, agent, life=600, header=None, key=None, **claims):
    """What the CRM's own server makes. A claim of None is left out."""
    now = int(time.time())
    said = {"sub": agent, "iat": now, "exp": now + life, **claims}
    said = {k: v for k, v in said.items() if v is not None}
    head = b64url(json.dumps(header or {"alg": "HS256", "typ": "JWT"}).encode())
    body = f"{head}.{b64url(json.dumps(said).encode())}"
    mac = hmac.new(hmac_key(server_key) if key is None else key, body.encode(), hashlib.sha256).digest()
    return f"{body}.{b64url(mac)}"


class Session:
    """A page that has begun: what it holds, and how it asks."""

    def __init__(self, crm, answer, origin):
        self.crm, self.origin, self.data = crm, origin, answer.json["data"]
        self.token, self.id = self.data["session"]["token"], self.data["session"]["id"]

    def ask(self, method, path, body=None, headers=None, port=None, timeout=20):
        h = {"Origin": self.origin, "Authorization": f"Bearer {self.token}", **(headers or {})}
        h = {k: v for k, v in h.items() if v is not None}
        if isinstance(body, dict):
            body = json.dumps(body)
        return request(port or self.crm.d.port, method, "/api/ribbon/" + path, h, body, timeout)

    def post(self, path, body=None, **more):
        return self.ask("POST", path, body, **more)

    def get(self, path, **more):
        return self.ask("GET", path, **more)

    def dial(self, number="+919876543210", key=None, headers=None, port=None, **more):
        return self.post("calls", {"phone_number": number, **more}, port=port,
                         headers={**({"Idempotency-Key": key} if key else {}), **(headers or {})})


class Crm:
    """An app linked with Exotel, with a browser key for one page and an agent who has a plain telephone."""

    def __init__(self, pg, d, name=None, origins=(ORIGIN,), limit=None, linked=True):
        self.pg, self.d, self.dsn = pg, d, pg.dsn(d.database)
        app = ringd.ringctl("app", "create", name or f"Ribbon {time.monotonic_ns()}", database=self.dsn)
        self.id, self.key = app["id"], app["api_key"]
        self.client = self.new_client(*origins, limit=limit)
        self.web, self.web_id = self.client["api_key"], self.client["id"]
        if linked:
            self.link()
        self.add_agent("dana")

    def ctl(self, *args, **more):
        return ringd.ringctl(*args, database=self.dsn, **more)

    def new_client(self, *origins, limit=None):
        args = [a for o in origins for a in ("--origin", o)] + (["--monthly-limit", limit] if limit is not None else [])
        return self.ctl("client", "create", self.id, *args)

    def sql(self, text, *values):
        with self.pg.connect(self.d.database) as c, c.cursor() as q:
            q.execute(text, values)
            return q.fetchall() if q.description else None

    def link(self, **credentials):
        row = str(uuid.uuid4())
        sealed = sealing.seal(RING, 1, "exotel_accounts", "credentials", self.id, row, json.dumps({**CANARIES, **credentials}))
        self.sql("INSERT INTO exotel_accounts (app_id, id, credentials, caller_id, linked_at) VALUES (%s, %s, %s, '+918044444444', now())",
                 self.id, row, sealed)

    def add_agent(self, agent, mode="callback", phone="+919800000001", **credentials):
        row = str(uuid.uuid4())
        said = {"exotel_user_id": f"u-{agent}", "sip_user": f"{agent}sip", "sip_secret": "canary-sip-secret-93fe", **credentials}
        sealed = sealing.seal(RING, 1, "ribbon_agents", "credentials", self.id, row, json.dumps(said)) if mode == "webrtc" else None
        self.sql("INSERT INTO ribbon_agents (app_id, id, agent_id, name, phone, mode, credentials, created_at, updated_at) "
                 "VALUES (%s, %s, %s, %s, %s, %s, %s, now(), now())", self.id, row, agent, agent.title(), phone, mode, sealed)
        return row

    def token(self, agent="dana", **more):
        return agent_token(self.key, agent, **more)

    def init(self, agent="dana", origin=ORIGIN, key=None, token=None, headers=None, port=None, **body):
        """POST /api/ribbon/init, the key in the header; origin None: none is sent."""
        h = {"x-app-api-key": self.web if key is None else key, "Origin": origin, **(headers or {})}
        said = {"agentToken": self.token(agent) if token is None else token, **body}
        return request(port or self.d.port, "POST", "/api/ribbon/init", {k: v for k, v in h.items() if v is not None}, json.dumps(said))

    def session(self, agent="dana", origin=ORIGIN, **more):
        a = self.init(agent, origin, **more)
        assert a.status == 200, a
        return Session(self, a, origin)

    def audit(self, *actions):
        rows = self.sql("SELECT actor, action, subject, detail FROM audit_log WHERE app_id = %s ORDER BY seq", self.id)
        return [r for r in rows if not actions or r[1] in actions]

    def refusals(self):
        """How many the log tells of: many of one kind may stand in one row."""
        return sum(json.loads(r[3]).get("times", 1) for r in self.audit("ribbon.refused"))


def allowed(answer):
    return answer.headers.get("access-control-allow-origin")


def refused(answer, status, code, origin=None):
    """A named error, that the page can read when an origin is given, and that caches keep apart in any case."""
    assert (answer.status, answer.json["code"], answer.json["success"]) == (status, code, False), answer
    assert allowed(answer) == origin and answer.headers["vary"] == "Origin", answer.headers
    return True
