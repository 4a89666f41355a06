#!/usr/bin/env python3
"""A Dialpad to test against: authorize page, tokens, users/me, webhooks, subscriptions, calls, and deliveries by Dialpad's rules.

It speaks the shapes of the real interfaces (numbers as numbers in events, the same numbers as strings in REST answers, every token field
optional) and misbehaves on demand. Standard library only; loopback only. State is in memory and dies with the process.

    dialpad.py --port 9190 --client-id ID --client-secret SECRET --redirect-uri http://127.0.0.1:8080/auth/dialpad/callback

Everything below /_sim/ is the test's own door and exists at no real Dialpad:

    GET  /_sim/state            counters, tokens issued, webhooks, subscriptions, deliveries, calls
    POST /_sim/calls            {"count": 3, "scenario": "inbound", "deliver": true, "spread_ms": 0}: calls happen
    POST /_sim/misbehave        {"token": "garbage", "times": 1, ...}: see Sim.faults
    POST /_sim/set              {"access_seconds": 3600, "user": {...}, "rate": 20, ...}: see Sim.settings
    POST /_sim/drop             {"webhooks": true, "subscriptions": true}: somebody deletes them behind our back
    POST /_sim/expire           every access token is dead from now on
"""
import argparse
import base64
import collections
import hashlib
import hmac
import html
import http.client
import json
import queue
import random
import secrets
import socket
import sys
import threading
import time
import urllib.parse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

DELIVERY_SECONDS = 5                # a webhook that takes longer has failed
RETRY_AFTER_5XX = (2, 4, 8)         # seconds; call events only
QUICK_RETRIES = 2                   # after a refused connection or a timeout, at once
PAGE = 50                           # calls and webhooks of one page
SUBSCRIPTIONS_MAX, COMPANY_WIDE_MAX = 100, 10

AGENTS = [(5600110022003300, "Dana Ortiz", "dana.ortiz@example.com", "+15550100101"),
          (5600110022003311, "Lee Marsh", "lee.marsh@example.com", "+15550100102")]
CUSTOMERS = ["+15550142233", "+15550148899", "+15550147001", "+15550149042", "+15550146177"]


def b64url(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def jwt(payload, secret):
    head = b64url(json.dumps({"alg": "HS256", "typ": "JWT"}, separators=(",", ":")).encode())
    claims = b64url(json.dumps(payload, separators=(",", ":")).encode())
    mac = hmac.new(secret.encode(), f"{head}.{claims}".encode(), hashlib.sha256).digest()
    return f"{head}.{claims}.{b64url(mac)}"


def as_rest(value):
    """What an event gives as a number, REST gives as a string."""
    if isinstance(value, bool) or value is None:
        return value
    if isinstance(value, dict):
        return {k: as_rest(v) for k, v in value.items()}
    if isinstance(value, list):
        return [as_rest(v) for v in value]
    return str(value) if isinstance(value, int) and value > 10**9 else value


class Window:
    """So many calls in so many seconds, sliding."""

    def __init__(self, limit, seconds):
        self.limit, self.seconds, self.times = limit, seconds, collections.deque()

    def take(self):
        now = time.monotonic()
        while self.times and now - self.times[0] > self.seconds:
            self.times.popleft()
        if len(self.times) >= self.limit:
            return False
        self.times.append(now)
        return True


class Call:
    """One human call as one leg: the events it makes and the record REST shows once it is over."""

    def __init__(self, call_id, started, scenario, agent, customer, custom_data=None):
        self.id, self.scenario, self.started = call_id, scenario, started
        self.base = {
            "date_started": started, "call_id": call_id, "direction": "outbound" if scenario == "outbound" else "inbound",
            "external_number": customer, "internal_number": agent[3], "selected_caller_id": None,
            "date_rang": None, "date_first_rang": None, "date_queued": None, "date_connected": None, "date_ended": None,
            "talk_time": None, "hold_time": None, "duration": None, "total_duration": None,
            "contact": {"id": 5900440011223344, "type": "local", "email": "", "phone": customer, "name": customer},
            "target": {"id": agent[0], "type": "user", "email": agent[2], "phone": agent[3], "name": agent[1]},
            "entry_point_call_id": None, "entry_point_target": {}, "operator_call_id": None, "proxy_target": {},
            "group_id": None, "master_call_id": None, "is_internal": False, "is_transferred": False, "transferred_from": {},
            "was_recorded": False, "voicemail_link": None, "call_recording_ids": [], "transcription_text": None,
            "recording_details": [], "labels": [], "custom_data": custom_data,
        }
        self.events = list(self.script())

    def event(self, state, at, **changes):
        self.base.update(changes)
        return {**self.base, "state": state, "event_timestamp": at}

    def script(self):
        s, rang = self.started, self.started + 400
        if self.scenario == "outbound":
            yield self.event("calling", s + 50)
        yield self.event("ringing", s + 500, date_first_rang=rang, date_rang=rang)
        if self.scenario == "missed":
            yield self.event("missed", s + 20000, date_ended=s + 20000, talk_time=0, duration=0.0, total_duration=20000.0)
            return
        yield self.event("connected", s + 6200, date_connected=s + 6000)
        if self.scenario == "ghost":
            return
        ended = s + 66000
        yield self.event("hangup", ended + 100, date_ended=ended, talk_time=60000, hold_time=0, duration=60000.0, total_duration=66000.0)
        if self.scenario == "recorded":
            url = f"https://dialpad.com/r/{self.id}"
            yield self.event("recording", ended + 30000, was_recorded=True, call_recording_ids=[str(self.id + 1)],
                             recording_details=[{"id": str(self.id + 1), "recording_type": "callrecording", "start_time": s + 6000,
                                                 "duration": 60000, "url": url}])

    def record(self):
        out = {k: v for k, v in self.base.items() if v not in ({}, [])}
        out["state"] = "hangup" if self.base["date_ended"] else "connected"
        return as_rest(out)


class Delivery:
    def __init__(self, hook, event, attempt=0, quick=0):
        self.hook, self.event, self.attempt, self.quick = hook, event, attempt, quick


class Sim:
    def __init__(self, options):
        self.lock = threading.RLock()
        self.options = options
        self.random = random.Random(options.seed)
        self.settings = {
            "access_seconds": 3600,     # None: expires_in is left out
            "refresh": True,            # False: no refresh token in answers
            "rotate": True,             # a refresh gives a new refresh token
            "user": {"id": 5600110022003300, "company_id": 5511220033440011, "office_id": 5511220033440012, "is_admin": True,
                     "is_super_admin": False, "display_name": "Dana Ortiz", "emails": ["dana.ortiz@example.com"]},
            "rate": 20,                 # requests a second of the company
            "call_get_rate": 10,        # GET /call/{id} a minute
            "dial_rate": 5,             # a minute and user
            "deliver": True,            # False: events are lost on the way
            "retry_scale": 1.0,         # of Dialpad's 2, 4 and 8 seconds
            "retry_after": None,        # header of a 429
            "slow_seconds": 3,
            "cursor_padding": "",       # what list cursors begin with
            "auto_consent": None,       # "allow" or "deny": the authorize page decides by itself
        }
        # What goes wrong next, and how often: {"token": ["garbage", 2]} makes the next two token answers garbage. Words: see fault().
        self.faults = {}
        self.codes, self.refresh, self.access = {}, {}, {}
        self.spent_refresh = set()
        self.webhooks, self.subscriptions, self.calls = {}, {}, {}
        self.next_id = 5200000000000000 + self.random.randrange(10**9)
        self.counts = collections.Counter()
        self.log = collections.deque(maxlen=2000)
        self.deliveries = collections.deque(maxlen=20000)
        # Every limit is a company's own; worst_second is of the busiest one.
        self.company_windows = collections.defaultdict(lambda: Window(20, 1.0))
        self.get_windows = collections.defaultdict(lambda: Window(10, 60.0))
        self.dial_windows, self.worst_second = {}, 0
        self.seconds = collections.defaultdict(collections.deque)
        self.outbox = queue.PriorityQueue()
        self.sequence = 0
        for _ in range(8):
            threading.Thread(target=self.deliver_forever, daemon=True).start()

    def new_id(self):
        with self.lock:
            self.next_id += 1 + self.random.randrange(1000)
            return self.next_id

    # ---- what goes wrong

    def fault(self, where):
        """The misbehaviour due at this place, or None: error_500, error_503, garbage, empty, slow, hang, error_in_200, missing_access,
        missing_refresh, missing_expires, html, redirect, 400, 401, 403, 404, 409, 429, close, huge; echo: an error that repeats what was
        sent; lost: it is done, and the answer is not sent; and of what was asked through REST and is done: unanswered, garbled.
        Places: token, deauthorize, rest, rest.webhooks, "rest.POST webhooks"."""
        with self.lock:
            due = self.faults.get(where)
            if not due:
                return None
            due[1] -= 1
            if due[1] <= 0:
                del self.faults[where]
            self.counts[f"fault.{where}.{due[0]}"] += 1
            return due[0]

    # ---- tokens

    def grant(self, family, user):
        access, refresh = "dpa_" + secrets.token_urlsafe(32), "dpr_" + secrets.token_urlsafe(32)
        seconds = self.settings["access_seconds"]
        self.access[access] = {"until": time.time() + (seconds if seconds is not None else 10**9), "family": family, "user": user}
        answer = {"access_token": access, "token_type": "bearer"}
        if seconds is not None:
            answer["expires_in"] = seconds
        if self.settings["refresh"]:
            self.refresh[refresh] = {"family": family, "user": user}
            answer["refresh_token"] = refresh
        return answer

    def token(self, form, basic):
        client, secret = basic or (form.get("client_id"), form.get("client_secret"))
        self.counts[f"token.{form.get('grant_type')}"] += 1
        if client != self.options.client_id or secret != self.options.client_secret:
            return 401, {"error": "invalid_client"}
        if form.get("grant_type") == "authorization_code":
            code = self.codes.pop(form.get("code"), None)
            if code is None or code["until"] < time.time():
                return 400, {"error": "invalid_grant", "error_description": "code unknown, used or expired"}
            if form.get("redirect_uri") not in (None, code["redirect_uri"]):
                return 400, {"error": "invalid_grant", "error_description": "redirect_uri differs"}
            if code["challenge"] is not None:
                verifier = form.get("code_verifier") or ""
                if b64url(hashlib.sha256(verifier.encode()).digest()) != code["challenge"]:
                    return 400, {"error": "invalid_grant", "error_description": "code_verifier does not fit"}
            return 200, self.grant(secrets.token_hex(8), dict(self.settings["user"]))
        if form.get("grant_type") == "refresh_token":
            old = form.get("refresh_token")
            if old in self.spent_refresh:
                self.counts["token.reuse"] += 1
                return 400, {"error": "invalid_grant", "error_description": "refresh token was used before"}
            held = self.refresh.get(old)
            if held is None:
                return 400, {"error": "invalid_grant"}
            answer = self.grant(held["family"], held["user"])
            if self.settings["rotate"]:
                self.refresh.pop(old)
                self.spent_refresh.add(old)
            else:
                self.refresh.pop(answer.pop("refresh_token", None), None)
            return 200, answer
        return 400, {"error": "unsupported_grant_type"}

    def bearer(self, header):
        token = header[7:] if header and header.lower().startswith("bearer ") else None
        held = self.access.get(token)
        return held if held and held["until"] > time.time() else None

    # ---- calls and their deliveries

    def happen(self, count, scenario, spread_ms=0, begin=None, deliver=True, custom_data=None, agent=None, shuffle=False, company=None):
        made, events = [], []
        now = int(time.time() * 1000)
        for i in range(count):
            kind = scenario if scenario != "all" else ("inbound", "missed", "recorded", "outbound")[i % 4]
            started = begin if begin is not None else now - 120000 - self.random.randrange(max(1, spread_ms))
            call = Call(self.new_id(), started, kind, agent or self.random.choice(AGENTS), self.random.choice(CUSTOMERS), custom_data)
            call.company = company or self.settings["user"]["company_id"]
            with self.lock:
                self.calls[call.id] = call
            made.append(call.id)
            events += call.events
        if shuffle:
            self.random.shuffle(events)
        if deliver and self.settings["deliver"]:
            self.send(events)
        else:
            self.counts["events.lost"] += len(events)
        return made

    def wanted_by(self, event):
        for s in list(self.subscriptions.values()):
            hook = self.webhooks.get(s["endpoint_id"])
            states = s.get("call_states") or ["all"]
            if hook and s.get("enabled", True) and ("all" in states or event["state"] in states):
                yield hook

    def send(self, events):
        for event in events:
            for hook in self.wanted_by(event):
                self.enqueue(0, Delivery(hook, event))

    def enqueue(self, seconds, delivery):
        with self.lock:
            self.sequence += 1
            self.outbox.put((time.monotonic() + seconds, self.sequence, delivery))

    def deliver_forever(self):
        while True:
            due, n, d = self.outbox.get()
            wait = due - time.monotonic()
            if wait > 0:
                self.outbox.put((due, n, d))
                time.sleep(min(wait, 0.05))
                continue
            self.deliver(d)

    def deliver(self, d):
        body = jwt(d.event, d.hook["secret"]) if d.hook["secret"] else json.dumps(d.event)
        url = urllib.parse.urlsplit(d.hook["hook_url"])
        status = 0
        try:
            kind = http.client.HTTPSConnection if url.scheme == "https" else http.client.HTTPConnection
            c = kind(url.hostname, url.port, timeout=DELIVERY_SECONDS)
            c.request("POST", url.path, body=body, headers={"Content-Type": "application/jwt" if d.hook["secret"] else "application/json",
                                                            "User-Agent": "Dialpad-Sim"})
            status = c.getresponse().status
            c.close()
        except (OSError, http.client.HTTPException):
            pass
        with self.lock:
            self.counts[f"delivered.{status}"] += 1
            self.deliveries.append({"call_id": d.event["call_id"], "state": d.event["state"], "status": status, "attempt": d.attempt})
        if status == 0 and d.quick < QUICK_RETRIES:
            self.enqueue(0.05, Delivery(d.hook, d.event, d.attempt, d.quick + 1))
        elif status >= 500 and d.attempt < len(RETRY_AFTER_5XX):
            self.enqueue(RETRY_AFTER_5XX[d.attempt] * self.settings["retry_scale"], Delivery(d.hook, d.event, d.attempt + 1))
        elif status == 0 or not 200 <= status < 300:
            self.counts["events.given_up"] += 1

    # ---- REST

    def company_busy(self, company):
        """20 requests a second for the whole company; also remembers the busiest second, for tests of our own restraint."""
        now, seconds = time.monotonic(), self.seconds[company]
        seconds.append(now)
        while seconds and now - seconds[0] > 1.0:
            seconds.popleft()
        self.worst_second = max(self.worst_second, len(seconds))
        self.company_windows[company].limit = self.settings["rate"]
        return not self.company_windows[company].take()

    def rest(self, method, path, query, body, header):
        """status, document"""
        with self.lock:
            self.counts[f"rest.{method} {path[0] if path else ''}{'/{id}' if len(path) > 1 else ''}"] += 1
            who = self.bearer(header)
            if who is None:
                self.counts["rest.401"] += 1
                return 401, {"error": {"code": 401, "message": "Unauthorized"}}
            if self.company_busy(who["user"]["company_id"]):
                self.counts["rest.429"] += 1
                return 429, {"error": {"code": 429, "message": "rate limit"}}
            if path[:2] == ["users", "me"] and method == "GET":
                return 200, as_rest(who["user"])
            if path[:1] == ["webhooks"]:
                return self.rest_webhooks(method, path[1:], query, body)
            if path[:2] == ["subscriptions", "call"]:
                return self.rest_subscriptions(method, path[2:], query, body)
            if path[:1] == ["call"]:
                return self.rest_calls(method, path[1:], query, body, who["user"]["company_id"])
            if len(path) == 3 and path[0] == "users" and path[2] == "initiate_call" and method == "POST":
                return self.dial(path[1], body, False)
            return 404, {"error": {"code": 404, "message": "no such path"}}

    def page(self, rows, query):
        padding = self.settings["cursor_padding"]
        start = int(query.get("cursor", [padding + "0"])[0][len(padding):] or 0)
        out = {"items": rows[start:start + PAGE]} if rows else {}
        if start + PAGE < len(rows):
            out["cursor"] = padding + str(start + PAGE)
        return 200, out

    def show_webhook(self, w):
        return {"id": str(w["id"]), "hook_url": w["hook_url"],
                "signature": {"type": "jwt", "algo": "HS256", "secret": w["secret"]} if w["secret"] else None}

    def rest_webhooks(self, method, path, query, body):
        if not path and method == "GET":
            return self.page([self.show_webhook(w) for w in self.webhooks.values()], query)
        if not path and method == "POST":
            if not str(body.get("hook_url", "")).startswith("http"):
                return 400, {"error": {"code": 400, "message": "hook_url"}}
            w = {"id": self.new_id(), "hook_url": body["hook_url"], "secret": body.get("secret")}
            self.webhooks[w["id"]] = w
            self.counts["made.webhooks"] += 1
            return 200, self.show_webhook(w)
        w = self.webhooks.get(int(path[0])) if path and path[0].isdigit() else None
        if w is None:
            return 404, {"error": {"code": 404, "message": "no such webhook"}}
        if method == "DELETE":
            del self.webhooks[w["id"]]
        elif method == "PATCH":
            w.update({k: body[k] for k in ("hook_url", "secret") if k in body})
        return 200, self.show_webhook(w)

    def show_subscription(self, s):
        hook = self.webhooks.get(s["endpoint_id"])
        return {"id": str(s["id"]), "enabled": s["enabled"], "call_states": s["call_states"], "group_calls_only": False,
                **({"target_id": str(s["target_id"]), "target_type": "office"} if s.get("target_id") else {}),
                "webhook": self.show_webhook(hook) if hook else None}

    def rest_subscriptions(self, method, path, query, body):
        if not path and method == "GET":
            return self.page([self.show_subscription(s) for s in self.subscriptions.values()], query)
        if not path and method == "POST":
            hook = int(body.get("endpoint_id") or 0)
            wide = [s for s in self.subscriptions.values() if not s.get("target_id")]
            if hook not in self.webhooks:
                return 400, {"error": {"code": 400, "message": "endpoint_id"}}
            if len(self.subscriptions) >= SUBSCRIPTIONS_MAX or (not body.get("target_id") and len(wide) >= COMPANY_WIDE_MAX):
                return 409, {"error": {"code": 409, "message": "too many subscriptions"}}
            s = {"id": self.new_id(), "endpoint_id": hook, "enabled": body.get("enabled", True), "call_states": body.get("call_states") or [],
                 "target_id": body.get("target_id")}
            self.subscriptions[s["id"]] = s
            self.counts["made.subscriptions"] += 1
            return 200, self.show_subscription(s)
        s = self.subscriptions.get(int(path[0])) if path and path[0].isdigit() else None
        if s is None:
            return 404, {"error": {"code": 404, "message": "no such subscription"}}
        if method == "DELETE":
            del self.subscriptions[s["id"]]
        elif method == "PATCH":
            s.update({k: body[k] for k in ("enabled", "call_states") if k in body})
            if body.get("endpoint_id"):
                s["endpoint_id"] = int(body["endpoint_id"])
        return 200, self.show_subscription(s)

    def rest_calls(self, method, path, query, body, company):
        if not path and method == "POST":
            return self.dial(str(body.get("user_id", "")), body, True)
        if not path:
            after = int(query.get("started_after", ["0"])[0])
            before = int(query.get("started_before", ["0"])[0] or 0) or 10**15
            if before != 10**15 and before > time.time() * 1000 + 1000:
                self.counts["rest.future"] += 1
                return 400, {"error": {"code": 400, "message": "started_before is in the future"}}
            rows = [c for c in self.calls.values() if c.company == company and c.base["date_ended"] and after <= c.started < before]
            rows.sort(key=lambda c: (-c.started, -c.id))
            return self.page([c.record() for c in rows], query)
        if not self.get_window_take(company):
            self.counts["rest.429"] += 1
            return 429, {"error": {"code": 429, "message": "10 a minute"}}
        call = self.calls.get(int(path[0])) if path[0].isdigit() else None
        return (200, call.record()) if call and call.company == company else (404, {"error": {"code": 404, "message": "no such call"}})

    def get_window_take(self, company):
        self.get_windows[company].limit = self.settings["call_get_rate"]
        return self.get_windows[company].take()

    def dial(self, user, body, with_id):
        agent = next((a for a in AGENTS if str(a[0]) == user), None)
        number = str(body.get("phone_number", ""))
        if agent is None:
            return 404, {"error": {"code": 404, "message": "no such user"}}
        if not number.startswith("+"):
            return 400, {"error": {"code": 400, "message": "phone_number"}}
        window = self.dial_windows.setdefault(user, Window(self.settings["dial_rate"], 60.0))
        window.limit = self.settings["dial_rate"]
        if not window.take():
            self.counts["rest.429"] += 1
            return 429, {"error": {"code": 429, "message": "5 a minute"}}
        call = Call(self.new_id(), int(time.time() * 1000), "outbound", agent, number, body.get("custom_data"))
        call.company = self.settings["user"]["company_id"]
        self.calls[call.id] = call
        if self.settings["deliver"]:
            self.send(call.events)
        return (200, {"call_id": str(call.id)}) if with_id else (200, {"device": {"id": "1", "type": "native"}})

    def state(self):
        with self.lock:
            return {
                "counts": dict(self.counts), "worst_second": self.worst_second, "webhooks": [self.show_webhook(w) for w in self.webhooks.values()],
                "subscriptions": [self.show_subscription(s) for s in self.subscriptions.values()], "calls": [str(i) for i in self.calls],
                "deliveries": list(self.deliveries)[-500:], "pending": self.outbox.qsize(), "access": list(self.access), "refresh": list(self.refresh),
                "log": list(self.log),
            }


CONSENT = """<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Dialpad (simulated): allow access?</title>
<style>body{{font:16px/1.5 system-ui,sans-serif;max-width:32em;margin:4em auto;padding:0 1em}}button{{font:inherit;padding:.5em 1.2em;margin-right:1em}}</style>
</head><body><main><h1>Allow access?</h1><p><b>{client}</b> asks for: {scope}</p>
<form method="post">{fields}<button name="decision" value="allow">Allow</button><button name="decision" value="deny">Deny</button></form>
<p>This is a simulator for tests, not Dialpad.</p></main></body></html>"""


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    sim = None
    disable_nagle_algorithm = True

    def log_message(self, *_):
        pass

    def setup(self):
        super().setup()
        with self.sim.lock:
            self.sim.counts["connections"] += 1

    def read_body(self):
        n = int(self.headers.get("Content-Length") or 0)
        raw = self.raw_body = self.rfile.read(n) if 0 < n <= 1 << 20 else b""
        if "json" in (self.headers.get("Content-Type") or ""):
            try:
                doc = json.loads(raw)
                return doc if isinstance(doc, dict) else {}
            except ValueError:
                return {}
        return {k: v[-1] for k, v in urllib.parse.parse_qs(raw.decode(errors="replace"), keep_blank_values=True).items()}

    def answer(self, status, document=None, content_type="application/json", headers=(), raw=None):
        body = raw if raw is not None else json.dumps(document if document is not None else {}).encode()
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        for k, v in headers:
            self.send_header(k, v)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def misbehave(self, where):
        """True when a fault was due here and has been acted out."""
        word = self.sim.fault(where)
        if word is None or word.startswith("missing") or word in ("error_in_200", "lost", "unanswered", "garbled"):
            self.pending_fault = word
            return False
        self.pending_fault = None
        retry = self.sim.settings["retry_after"]
        if word in ("error_500", "error_503", "400", "401", "403", "404", "409", "429"):
            status = int(word[-3:])
            self.answer(status, {"error": {"code": status, "message": "as asked"}}, headers=[("Retry-After", str(retry))] if retry else ())
        elif word == "echo":
            said = f"{self.raw_body.decode(errors='replace')} {self.headers.get('Authorization')}"
            self.answer(400, {"error": "invalid_request", "error_description": said, "message": said})
        elif word == "garbage":
            self.answer(200, raw=b"\x00\xff{not json", content_type="application/json")
        elif word == "empty":
            self.answer(200, raw=b"")
        elif word == "html":
            self.answer(200, raw=b"<html>maintenance</html>", content_type="text/html")
        elif word == "huge":
            self.answer(200, raw=b'{"access_token":"' + b"x" * (8 << 20) + b'"}')
        elif word == "redirect":
            self.answer(302, headers=[("Location", "http://127.0.0.1:1/elsewhere")])
        elif word == "slow":
            time.sleep(self.sim.settings["slow_seconds"])
            return False
        elif word == "hang":
            time.sleep(60)
            self.close_connection = True
        elif word == "close":
            self.close_connection = True
            self.connection.close()
        return True

    def do_GET(self):
        self.serve()

    do_POST = do_PUT = do_PATCH = do_DELETE = do_GET

    def serve(self):
        url = urllib.parse.urlsplit(self.path)
        query = urllib.parse.parse_qs(url.query, keep_blank_values=True)
        parts = [p for p in url.path.split("/") if p]
        body = self.read_body()
        self.sim.log.append(f"{self.command} {url.path}")
        try:
            if parts[:1] == ["_sim"]:
                self.serve_sim(parts[1:], body)
            elif parts == ["oauth2", "authorize"]:
                self.serve_authorize(query, body)
            elif parts == ["oauth2", "token"] and self.command == "POST":
                self.serve_token(body)
            elif parts == ["oauth2", "deauthorize"] and self.command == "POST":
                self.serve_deauthorize()
            elif parts[:2] == ["api", "v2"]:
                self.serve_rest(parts[2:], query, body)
            else:
                self.answer(404, {"error": "not found"})
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True

    def serve_authorize(self, query, body):
        sim = self.sim
        one = {k: v[-1] for k, v in query.items()}
        # A wrong client or redirect address is never redirected to.
        if one.get("client_id") != sim.options.client_id or one.get("redirect_uri") not in sim.options.redirect_uri:
            self.answer(400, raw=b"unknown client_id or redirect_uri", content_type="text/plain")
            return
        decision = body.get("decision") or sim.settings["auto_consent"]
        if one.get("response_type") != "code" or one.get("code_challenge_method", "S256") not in ("S256",):
            decision = "invalid"
        if decision is None:
            page = CONSENT.format(client=html.escape(one["client_id"]), scope=html.escape(one.get("scope", "")), fields="")
            self.answer(200, raw=page.encode(), content_type="text/html; charset=utf-8")
            return
        back = {"state": one.get("state", "")}
        if decision == "allow":
            code = "dpc_" + secrets.token_urlsafe(24)
            with sim.lock:
                sim.codes[code] = {"redirect_uri": one["redirect_uri"], "challenge": one.get("code_challenge"), "until": time.time() + 600}
            back["code"] = code
        else:
            back["error"] = "access_denied" if decision == "deny" else "invalid_request"
        sep = "&" if "?" in one["redirect_uri"] else "?"
        self.answer(302, raw=b"", content_type="text/plain", headers=[("Location", one["redirect_uri"] + sep + urllib.parse.urlencode(back))])

    def serve_token(self, body):
        with self.sim.lock:
            self.sim.counts["token"] += 1
        if self.misbehave("token"):
            return
        basic = None
        header = self.headers.get("Authorization") or ""
        if header.lower().startswith("basic "):
            try:
                user, _, password = base64.b64decode(header[6:]).decode().partition(":")
                basic = (urllib.parse.unquote_plus(user), urllib.parse.unquote_plus(password))
            except ValueError:
                pass
        with self.sim.lock:
            status, document = self.sim.token(body, basic)
        word = self.pending_fault
        if word == "error_in_200":
            status, document = 200, {"error": "temporarily_unavailable"}
        elif word and status == 200:
            document.pop({"missing_access": "access_token", "missing_refresh": "refresh_token", "missing_expires": "expires_in"}[word], None)
        self.answer(status, document, headers=[("Cache-Control", "no-store")])

    def serve_deauthorize(self):
        if self.misbehave("deauthorize"):
            return
        held = self.sim.bearer(self.headers.get("Authorization"))
        if held is None:
            self.answer(401, {"error": "invalid_token"})
            return
        with self.sim.lock:
            for table in (self.sim.access, self.sim.refresh):
                for t in [t for t, v in table.items() if v["family"] == held["family"]]:
                    del table[t]
            self.sim.counts["deauthorized"] += 1
        self.answer(204, raw=b"")

    def serve_rest(self, path, query, body):
        head = path[0] if path else ""
        for where in ("rest", f"rest.{head}", f"rest.{self.command} {head}"):
            if self.misbehave(where):
                return
            if self.pending_fault:
                break
        status, document = self.sim.rest(self.command, path, query, body, self.headers.get("Authorization"))
        if self.pending_fault == "error_in_200":
            status, document = 200, {"error": {"code": 500, "message": "as asked"}}
        if self.pending_fault == "garbled":
            self.answer(200, raw=b"{\"id\":")
            return
        if self.pending_fault == "unanswered":
            time.sleep(20)
            self.close_connection = True
            return
        if self.pending_fault == "lost":
            self.close_connection = True
            self.connection.shutdown(socket.SHUT_RDWR)
            return
        retry = self.sim.settings["retry_after"]
        self.answer(status, document, headers=[("Retry-After", str(retry))] if status == 429 and retry else ())

    def serve_sim(self, path, body):
        sim = self.sim
        if path == ["state"]:
            self.answer(200, sim.state())
        elif path == ["calls"]:
            keys = ("spread_ms", "begin", "deliver", "custom_data", "shuffle", "company")
            ids = sim.happen(int(body.get("count", 1)), body.get("scenario", "inbound"), **{k: body[k] for k in keys if k in body})
            self.answer(200, {"call_ids": [str(i) for i in ids]})
        elif path == ["misbehave"]:
            times = int(body.pop("times", 1))
            with sim.lock:
                sim.faults.update({k: [v, times] for k, v in body.items()})
            self.answer(200, {})
        elif path == ["set"]:
            with sim.lock:
                sim.settings.update(body)
            self.answer(200, {})
        elif path == ["drop"]:
            with sim.lock:
                for table in ("webhooks", "subscriptions"):
                    if body.get(table):
                        getattr(sim, table).clear()
            self.answer(200, {})
        elif path == ["expire"]:
            with sim.lock:
                for held in sim.access.values():
                    held["until"] = 0
            self.answer(200, {})
        else:
            self.answer(404, {"error": "no such door"})


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 256

    def handle_error(self, request, client_address):
        if not isinstance(sys.exc_info()[1], OSError):
            super().handle_error(request, client_address)


def make(options):
    """A server that is listening already; options as main() parses them. For tests: run serve_forever in a thread."""
    handler = type("BoundHandler", (Handler,), {"sim": Sim(options)})
    return Server(("127.0.0.1", options.port), handler)


def parse(argv=None):
    p = argparse.ArgumentParser(description="A Dialpad to test against.")
    p.add_argument("--port", type=int, default=0)
    p.add_argument("--client-id", default="ringd-demo-client")
    p.add_argument("--client-secret", default="ringd-demo-secret")
    p.add_argument("--redirect-uri", action="append", default=[])
    p.add_argument("--seed", type=int, default=None)
    return p.parse_args(argv)


def main():
    server = make(parse())
    print(f"dialpad simulator on http://127.0.0.1:{server.server_address[1]}", flush=True)
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        pass


if __name__ == "__main__":
    main()
