#!/usr/bin/env python3
"""An Exotel to test against: the integrations host (tokens, agents, devices, outbound calls), voice v1 (connect, call details), and callbacks.

It speaks the shapes of the real interfaces (the envelope whose Code counts beside the status, an Error that is a string holding JSON,
dates without a zone, numbers in local form) and misbehaves on demand. Standard library only; loopback only. State is in memory and
dies with the process.

    exotel.py --port 9191 --account acme1 --app-token T --api-key K --api-token S

What is the test's own door and exists at no real Exotel begins with /_sim/ (or /sim/):

    GET  /sim/next-call         the next outbound call a SIP peer should ring its agent for, with X-Exotel-Callsid:
                                {"call_sid","sip_user","to"}; 204 when none came within 20 seconds (?wait_ms=)
    GET  /_sim/state            counters, calls, callbacks sent, requests seen
    POST /_sim/users            {"users": [{"AppUserId": …}, …]}: replaces the agents; {"count": 250}: so many invented ones
    POST /_sim/misbehave        {"outbound_call": "device_off", "times": 1, …}: see Sim.fault
    POST /_sim/set              {"auto": "talk", "early": true, …}: see Sim.settings
    POST /_sim/fire             {"call_sid", "event": "terminal", "status": "completed", "how": "json", "times": 2, "fields": {…}, "drop": […],
                                "url": …}: one callback, now; how: json, form, passthru (GET), popup (GET), app (the app's own webhook)
    POST /_sim/end              {"call_sid", "status": "completed"}: the call ends; its callbacks are sent
    POST /_sim/forget           calls, callbacks, counters and faults are forgotten
"""
import argparse
import base64
import collections
import datetime
import http.client
import json
import queue
import re
import secrets
import socket
import subprocess
import sys
import threading
import time
import urllib.parse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

PUBLISHED_KEY = b"change this password to a secret"     # printed in Exotel's SDK
DELIVERY_SECONDS = 15
IST = datetime.timezone(datetime.timedelta(hours=5, minutes=30))
ENDED = ("completed", "failed", "busy", "no-answer", "canceled")


def sealed_secret(plain, iv=None):
    """As the user mapping shows a SIP secret: AES-256-CFB, hex, the IV first. By a program of its own, so that ours is tested against another."""
    iv = iv or secrets.token_bytes(16)
    r = subprocess.run(["openssl", "enc", "-aes-256-cfb", "-K", PUBLISHED_KEY.hex(), "-iv", iv.hex(), "-nosalt"], input=plain.encode(),
                       capture_output=True, check=True)
    return iv.hex() + r.stdout.hex()


def when(seconds=None):
    return datetime.datetime.fromtimestamp(seconds if seconds is not None else time.time(), IST).strftime("%Y-%m-%d %H:%M:%S")


def local(number):
    """Numbers come back in another form than they were sent in."""
    return "0" + number[3:] if number.startswith("+91") else number.lstrip("+")


def user(i, **fields):
    base = {"CustomerId": "c-1", "AppID": "app-1", "AppUserId": f"agent{i}", "ExotelAccountSid": "acme1", "ExotelUserId": f"x{i:05d}",
            "AppUsername": f"agent.{i}", "ExotelUserName": f"Asha Number{i}", "AgentNumber": f"+9198{i:08d}", "VirtualNumber": "08040001234",
            "Email": f"agent{i}@example.com", "OutboundActive": True, "Role": "user", "SipId": f"sip:asha{i:04x}", "SipSecret": f"plain-secret-{i}",
            "PhoneDeviceID": str(2 * i), "SipDeviceID": str(2 * i + 1), "IsActive": True, "CreatedAt": when(0), "UpdatedAt": when(0)}
    base.update(fields)
    return {k: v for k, v in base.items() if v is not None}


class Window:
    """So many calls in so many seconds, sliding."""

    def __init__(self, seconds):
        self.seconds, self.times = seconds, collections.deque()

    def take(self, limit):
        now = time.monotonic()
        while self.times and now - self.times[0] > self.seconds:
            self.times.popleft()
        if len(self.times) >= limit:
            return False
        self.times.append(now)
        return True


class Sim:
    def __init__(self, options):
        self.options = options
        self.lock = threading.RLock()
        self.wanted = threading.Condition(self.lock)
        self.settings = {
            "rate": 200,            # requests a minute and account
            "retry_after": None,    # header of a 429 or 503
            "slow_seconds": 3,
            "auto": None,           # what becomes of a call by itself: talk, no-answer, busy, failed
            "auto_ms": 300,         # how long each step of it takes
            "early": False,         # the first callback is sent before the answer to who dialled
            "double": False,        # each callback twice
            "late_ms": 0,
            "one_call": False,      # an agent in a call is busy
            "app_hook": None,       # the app's setting "callback": where outbound calls are reported to
            "users_in": "Users",    # or "Data": a third party met both
            "offer_calls": True,    # outbound calls are handed out by /sim/next-call
        }
        self.forget()
        self.users = [user(7, AppUserId="agent7", ExotelUserName="Asha Rao", SipId="sip:ashar9f2c", SipSecret=sealed_secret("canary-sip-secret-a7"))]
        self.devices_off = set()
        self.window = Window(60.0)
        self.outbox = queue.PriorityQueue()
        self.sequence = 0
        for _ in range(4):
            threading.Thread(target=self.deliver_forever, daemon=True).start()

    def forget(self):
        with self.lock:
            self.faults, self.calls = {}, {}
            self.counts = collections.Counter()
            self.callbacks, self.log = collections.deque(maxlen=5000), collections.deque(maxlen=5000)
            self.offered = collections.deque()

    # ---- what goes wrong

    def fault(self, where):
        """The misbehaviour due at this place, or None. Words: a status (400 401 402 403 404 409 429 500 503), device_off (409/1012),
        agent_busy (409/10706), number (400/10725), code_401 and the like (an HTTP 200 whose envelope says 401), garbage, empty, html, huge,
        no_sid, slow, hang, close, lost (it is done, and the answer is not sent), unanswered (the same, and the connection stays), garbled
        (the same, and the answer is no JSON), echo (an error that repeats what was sent).
        Places: any, token, app, usermapping, device, outbound_call, connect, call."""
        with self.lock:
            for place in (where, "any"):
                due = self.faults.get(place)
                if due:
                    due[1] -= 1
                    if due[1] <= 0:
                        del self.faults[place]
                    self.counts[f"fault.{place}.{due[0]}"] += 1
                    return due[0]
        return None

    # ---- calls

    def place(self, mode, agent, to, **more):
        sid = secrets.token_hex(16)
        call = {"Sid": sid, "mode": mode, "agent": agent, "to": to, "from": "", "status": "in-progress", "started": time.time(), "answered": None,
                "ended": None, "custom": None, "callback": None, "events": [], "json": False, **more}
        with self.lock:
            self.calls[sid] = call
            self.counts[f"placed.{mode}"] += 1
            self.counts[f"placed.to.{to}"] += 1
            if mode == "webrtc" and self.settings["offer_calls"]:
                self.offered.append({"call_sid": sid, "sip_user": call["sip_user"], "to": to})
                self.wanted.notify_all()
        if self.settings["early"]:
            self.fire(call, "answered", "in-progress", wait=True)
        if self.settings["auto"]:
            threading.Thread(target=self.play, args=(call, self.settings["auto"], self.settings["auto_ms"] / 1000), daemon=True).start()
        return call

    def play(self, call, what, step):
        time.sleep(step)
        if what == "talk":
            call["answered"] = time.time()
            self.fire(call, "answered", "in-progress")
            time.sleep(step)
        self.finish(call, "completed" if what == "talk" else what)

    def finish(self, call, status):
        with self.lock:
            if call["ended"] is not None:
                return
            call["ended"], call["status"] = time.time(), status
        self.fire(call, "terminal", status)

    def next_call(self, wait):
        end = time.monotonic() + wait
        with self.wanted:
            while not self.offered:
                left = end - time.monotonic()
                if left <= 0 or not self.wanted.wait(left):
                    if not self.offered:
                        return None
            return self.offered.popleft()

    # ---- callbacks

    def fields(self, call, event, status, how):
        talked = int(call["ended"] - call["answered"]) if call["ended"] and call["answered"] else 0
        agent = self.find(call["agent"]) or {}
        if how == "app":
            return {**self.outbound(call, agent), "CallStatus": status if event == "terminal" else "", "CallState": "terminal" if event == "terminal" else "active",
                    "StartTime": when(call["started"]), "EndTime": when(call["ended"]) if call["ended"] else "", "TotalDuration": talked}
        if how in ("passthru", "popup"):
            base = {"CallSid": call["Sid"], "CallFrom": call["from"] or "09800000001", "CallTo": "08040001234", "Direction": "incoming", "Created": when(call["started"]),
                    "From": call["from"] or "09800000001", "To": "08040001234", "DialWhomNumber": local(call["to"]), "CurrentTime": when(), "flow_id": "12", "tenant_id": "99"}
            if how == "popup":
                return {**base, "AgentEmail": agent.get("Email", ""), "Status": "free" if event == "terminal" else "busy",
                        "EventType": {"terminal": "Terminal", "answered": "Answered", "ringing": "Ringing"}.get(event, "Dial")}
            return {**base, "DialCallDuration": str(talked), "DialCallStatus": status, "StartTime": when(call["started"]), "EndTime": "1970-01-01 05:30:00",
                    "CallType": "completed" if status == "completed" else "incomplete", "RecordingUrl": "", "digits": '"1"'}
        out = {"CallSid": call["Sid"], "EventType": event, "DateCreated": when(call["started"]), "DateUpdated": when(), "Status": status,
               "To": local(call["to"]), "From": local(call["from"]) if call["from"] else "", "PhoneNumberSid": "08040001234", "StartTime": when(call["started"]),
               "EndTime": when(call["ended"]) if call["ended"] else "", "ConversationDuration": talked, "Direction": "outbound-api", "RecordingUrl": None,
               "Legs": [{"OnCallDuration": talked + 5, "Status": "completed", "AnsweredBy": "NA"},
                        {"OnCallDuration": talked, "Status": status, "AnsweredBy": "HUMAN" if call["answered"] else "NA"}]}
        if event == "terminal" and call["custom"] is not None:
            out["CustomField"] = call["custom"]
        return out

    def fire(self, call, event, status, how=None, fields=None, drop=(), url=None, times=None, wait=False, delay_ms=None):
        how = how or ("app" if call["mode"] == "webrtc" else "json" if call["json"] else "form")
        url = url or call["callback"] or self.settings["app_hook"]
        if not url:
            self.counts["callbacks.nowhere"] += 1
            return
        data = {**self.fields(call, event, status, how), **(fields or {})}
        for name in drop:
            data.pop(name, None)
        for i in range(times if times is not None else 2 if self.settings["double"] else 1):
            delivery = {"url": url, "how": how, "data": data, "event": event}
            if wait:
                self.deliver(delivery)
                continue
            with self.lock:
                self.sequence += 1
                late = delay_ms if delay_ms is not None else self.settings["late_ms"]
                self.outbox.put((time.monotonic() + late / 1000 + i * 0.01, self.sequence, delivery))

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
        url = urllib.parse.urlsplit(d["url"])
        path, body, headers = url.path + (f"?{url.query}" if url.query else ""), None, {"User-Agent": "Exotel-Sim"}
        flat = {k: v if isinstance(v, str) else "" if v is None else json.dumps(v) for k, v in d["data"].items()}
        if d["how"] in ("passthru", "popup"):
            method = "GET"
            path += ("&" if url.query else "?") + urllib.parse.urlencode(flat)
        elif d["how"] == "form":
            method, body, headers["Content-Type"] = "POST", urllib.parse.urlencode(flat), "application/x-www-form-urlencoded"
        else:
            method, body, headers["Content-Type"] = "POST", json.dumps(d["data"]), "application/json"
        status = 0
        try:
            kind = http.client.HTTPSConnection if url.scheme == "https" else http.client.HTTPConnection
            c = kind(url.hostname, url.port, timeout=DELIVERY_SECONDS)
            c.request(method, path, body=body, headers=headers)
            status = c.getresponse().status
            c.close()
        except (OSError, http.client.HTTPException):
            pass
        with self.lock:
            self.counts[f"callback.{status}"] += 1
            self.callbacks.append({"call_sid": d["data"].get("CallSid"), "event": d["event"], "how": d["how"], "status": status})

    # ---- the integrations host

    def find(self, user_id):
        return next((u for u in self.users if u.get("AppUserId") == user_id), None)

    def outbound(self, call, agent):
        return {"CustomerId": self.options.customer_id, "AppId": self.options.app_id, "CallSid": call["Sid"], "ExotelAccountSid": self.options.account,
                "DialWhomNumber": local(call["to"]), "AppUserID": call["agent"], "VirtualNumber": agent.get("VirtualNumber", ""), "Direction": "outbound",
                "CallStatus": "", "CallState": "active", "ToNumber": local(call["to"]), "FromNumber": agent.get("SipId", ""), "TotalDuration": 0,
                "CallRecordings": "", "AccountDomain": "mumbai", "TicketId": "", "CallDetail": None}

    def dial(self, body):
        agent = self.find(body.get("user_id"))
        if body.get("customer_id") != self.options.customer_id or body.get("app_id") != self.options.app_id:
            return 400, None, error(400, 10725, "app_id or customer_id")
        if agent is None:
            return 404, None, error(404, 10731, "user")
        if not re.fullmatch(r"\+?[0-9]{8,15}", str(body.get("to", ""))):
            return 400, None, error(400, 10725, "to.contact_uri is invalid")
        if agent["AppUserId"] in self.devices_off:
            return 409, None, error(409, 1012, "device is off")
        busy = any(c["agent"] == agent["AppUserId"] and c["ended"] is None for c in self.calls.values())
        if self.settings["one_call"] and busy:
            return 409, None, error(409, 10706, "user is busy")
        call = self.place("webrtc", agent["AppUserId"], body["to"], sip_user=agent.get("SipId", "").removeprefix("sip:"), callback=self.settings["app_hook"])
        return 200, self.outbound(call, agent), ""

    def page(self, query):
        if "user_id" in query:
            u = self.find(query["user_id"])
            return (200, {"Users": [u]} if self.settings["users_in"] == "Users" else u, "") if u else (404, None, "no such user")
        size, start = int(query.get("page_size", 20)), 0
        if query.get("last_value"):
            start = next((i + 1 for i, u in enumerate(self.users) if u.get("AppUserId") == query["last_value"]), len(self.users))
        rows = self.users[start:start + size]
        last = rows[-1]["AppUserId"] if rows and start + size < len(self.users) else ""
        return 200, {"Users": rows, "PageSize": size, "LastEvaluatedValue": last}, ""

    def integrations(self, method, path, query, body, authorization):
        """status, Data, Error"""
        if path == ["token"] and method == "POST":
            good = (body.get("Id"), body.get("Secret")) == (self.options.app_id, self.options.app_secret)
            return (200, self.options.app_token, "") if good else (401, None, "Invalid id or secret")
        if authorization != self.options.app_token:
            return 401, None, "Unauthorized"
        if path == ["app"]:
            return 200, {"AppID": self.options.app_id, "CustomerID": self.options.customer_id, "ExotelAccountSid": self.options.account, "IsActive": True}, ""
        if path == ["app_setting"]:
            if method == "POST" and body.get("Key") == "callback":
                self.settings["app_hook"] = body.get("Value")
            return 200, [{"SettingKey": "callback", "SettingVal": self.settings["app_hook"]}], ""
        if path == ["usermapping"] and method == "GET":
            return self.page(query)
        if path == ["device"] and method == "PUT":
            u = self.find(body.get("UserId"))
            if u is None:
                return 404, None, "no such user"
            (self.devices_off.discard if body.get("DeviceStatus") else self.devices_off.add)(u["AppUserId"])
            return 200, u, ""
        if path == ["call", "outbound_call"] and method == "POST":
            return self.dial(body)
        return 404, None, "no such path"

    # ---- voice v1

    def show(self, call, details=False):
        shown = {"Sid": call["Sid"], "ParentCallSid": None, "DateCreated": when(call["started"]), "DateUpdated": when(), "AccountSid": self.options.account,
                 "To": local(call["to"]), "From": local(call["from"]), "PhoneNumberSid": "08040001234", "Status": call["status"], "StartTime": when(call["started"]),
                 "EndTime": when(call["ended"]) if call["ended"] else None, "Duration": int(call["ended"] - call["started"]) if call["ended"] else None,
                 "Price": None, "Direction": "outbound-api", "AnsweredBy": None, "ForwardedFrom": None, "CallerName": None,
                 "Uri": f"/v1/Accounts/{self.options.account}/Calls.json/{call['Sid']}", "RecordingUrl": None}
        if details:
            talked = int(call["ended"] - call["answered"]) if call["ended"] and call["answered"] else 0
            shown["Details"] = {"ConversationDuration": talked, "Leg1Status": "completed", "Leg2Status": call["status"] if call["answered"] else "",
                                "Legs": [{"Leg": {"Id": 1, "OnCallDuration": talked}}]}
        return {"Call": shown}

    def voice(self, method, path, query, body, authorization):
        """status, document"""
        wanted = "Basic " + base64.b64encode(f"{self.options.api_key}:{self.options.api_token}".encode()).decode()
        if authorization != wanted or path[:1] != [self.options.account]:
            return 401, {"RestException": {"Status": 401, "Message": "Unauthorized"}}
        if path[1:] == ["Calls", "connect.json"] and method == "POST":
            if not all(body.get(k) for k in ("From", "To", "CallerId")):
                return 400, {"RestException": {"Status": 400, "Message": "Mandatory parameter missing"}}
            call = self.place("callback", None, body["To"], **{"from": body["From"]}, custom=body.get("CustomField"), callback=body.get("StatusCallback"),
                              json=body.get("StatusCallbackContentType") == "application/json", asked=dict(body))
            return 200, self.show(call)
        m = re.fullmatch(r"([0-9a-f]+)\.json", path[2]) if path[1:2] == ["Calls"] and len(path) == 3 else None
        call = self.calls.get(m.group(1)) if m else None
        if call:
            return 200, self.show(call, query.get("details") == "true")
        return 404, {"RestException": {"Status": 404, "Message": "Not found"}}

    def state(self):
        with self.lock:
            return {"counts": dict(self.counts), "calls": list(self.calls.values()), "callbacks": list(self.callbacks), "log": list(self.log),
                    "offered": len(self.offered), "pending": self.outbox.qsize()}


def error(status, code, message):
    """What stands in Error: a string that holds JSON, as voice v3 answered it."""
    return json.dumps({"http_code": status, "response": {"error_data": {"code": code, "message": message, "description": message}}})


SPECIAL = {"device_off": (409, 1012, "device is off"), "agent_busy": (409, 10706, "user is busy"), "number": (400, 10725, "to.contact_uri is invalid")}


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    sim = None
    disable_nagle_algorithm = True

    def log_message(self, *_):
        pass

    def read_body(self):
        n = int(self.headers.get("Content-Length") or 0)
        self.raw_body = raw = self.rfile.read(n) if 0 < n <= 1 << 22 else b""
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
        self.send_header("Access-Control-Allow-Origin", "*")        # for the door only a test's page uses
        if status != 204:
            self.send_header("Content-Length", str(len(body)))
        for k, v in headers:
            self.send_header(k, v)
        self.end_headers()
        if self.command != "HEAD" and status != 204:
            self.wfile.write(body)

    def envelope(self, status, data, failure, headers=(), http_status=None):
        self.answer(http_status or status, {"RequestId": secrets.token_hex(8), "Status": "Success" if status < 400 else "Failed", "Code": status, "Error": failure,
                                            "Data": data}, headers=headers)

    def retry(self):
        after = self.sim.settings["retry_after"]
        return [("Retry-After", str(after))] if after else []

    def misbehave(self, word, v1):
        """True when the fault has been acted out."""
        if word is None or word in ("lost", "unanswered", "garbled", "no_sid"):
            return False
        if word in SPECIAL:
            self.envelope(SPECIAL[word][0], None, error(*SPECIAL[word]))
        elif word.isdigit():
            status = int(word)
            if v1:
                self.answer(status, {"RestException": {"Status": status, "Message": "as asked"}}, headers=self.retry())
            else:
                self.envelope(status, None, "as asked", headers=self.retry())
        elif word.startswith("code_"):
            self.envelope(int(word[5:]), None, "as asked", http_status=200)
        elif word == "garbage":
            self.answer(200, raw=b"\x00\xff{not json")
        elif word == "empty":
            self.answer(200, raw=b"")
        elif word == "html":
            self.answer(200, raw=b"<html>maintenance</html>", content_type="text/html")
        elif word == "huge":
            self.answer(200, raw=b'{"Data":"' + b"x" * (8 << 20) + b'"}')
        elif word == "echo":
            said = f"{self.raw_body.decode(errors='replace')} {self.headers.get('Authorization')}"
            self.envelope(400, None, said)
        elif word == "slow":
            time.sleep(self.sim.settings["slow_seconds"])
            return False
        elif word == "hang":
            time.sleep(60)
            self.close_connection = True
        elif word == "close":
            self.close_connection = True
            self.connection.close()
        else:
            raise ValueError(f"no such fault: {word}")
        return True

    def do_GET(self):
        self.serve()

    do_POST = do_PUT = do_PATCH = do_DELETE = do_GET

    def do_OPTIONS(self):
        self.answer(204, headers=[("Access-Control-Allow-Headers", "content-type"), ("Access-Control-Allow-Methods", "GET, POST")])

    def serve(self):
        url = urllib.parse.urlsplit(self.path)
        query = {k: v[-1] for k, v in urllib.parse.parse_qs(url.query, keep_blank_values=True).items()}
        parts = [urllib.parse.unquote(p) for p in url.path.split("/") if p]
        body = self.read_body()
        try:
            if parts[:1] in (["_sim"], ["sim"]):
                self.serve_sim(parts[1:], query, body)
                return
            self.sim.log.append(f"{self.command} {url.path}")
            if parts[:2] == ["v2", "integrations"]:
                self.serve_provider(parts[2:], query, body, False)
            elif parts[:2] == ["v1", "Accounts"]:
                self.serve_provider(parts[2:], query, body, True)
            else:
                self.answer(404, {"error": "not found"})
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True

    def serve_provider(self, path, query, body, v1):
        sim = self.sim
        where = (path[-1].removesuffix(".json") if path[1:2] == ["Calls"] and path[-1] == "connect.json" else "call") if v1 else path[-1] if path else ""
        sim.counts[where] += 1
        word = sim.fault(where)
        if self.misbehave(word, v1):
            return
        with sim.lock:
            allowed = sim.window.take(sim.settings["rate"])
        if not allowed:
            sim.counts["429"] += 1
            self.misbehave("429", v1)
            return
        if v1:
            status, document = sim.voice(self.command, path, query, body, self.headers.get("Authorization"))
        else:
            status, data, failure = sim.integrations(self.command, path, query, body, self.headers.get("Authorization"))
        if word == "lost":
            self.close_connection = True
            self.connection.shutdown(socket.SHUT_RDWR)
        elif word == "unanswered":
            time.sleep(20)
            self.close_connection = True
        elif word == "garbled":
            self.answer(200, raw=b"{\"Data\":")
        elif v1:
            if word == "no_sid":
                document.get("Call", {}).pop("Sid", None)
            self.answer(status, document)
        else:
            if word == "no_sid" and data:
                data.pop("CallSid", None)
            self.envelope(status, data, failure)

    def serve_sim(self, path, query, body):
        sim = self.sim
        if path == ["next-call"]:
            call = sim.next_call(min(20.0, int(query.get("wait_ms", 20000)) / 1000))
            self.answer(200, call) if call else self.answer(204)
        elif path == ["state"]:
            self.answer(200, sim.state())
        elif path == ["users"]:
            with sim.lock:
                sim.users = [user(i) for i in range(int(body["count"]))] if "count" in body else body.get("users", [])
            self.answer(200, {"users": len(sim.users)})
        elif path == ["misbehave"]:
            times = int(body.pop("times", 1))
            with sim.lock:
                sim.faults.update({k: [v, times] for k, v in body.items()})
            self.answer(200, {})
        elif path == ["set"]:
            with sim.lock:
                sim.settings.update(body)
            self.answer(200, {})
        elif path == ["forget"]:
            sim.forget()
            self.answer(200, {})
        elif path in (["fire"], ["end"]):
            call = sim.calls.get(body.get("call_sid"))
            if call is None and path == ["fire"] and body.get("url"):       # a call nobody here has placed: an incoming one
                call = {"Sid": body.get("call_sid") or secrets.token_hex(16), "mode": "incoming", "agent": body.get("agent"), "to": body.get("to", "+918040001234"),
                        "from": body.get("from", "+919800000001"), "status": "in-progress", "started": time.time(), "answered": None, "ended": None, "custom": None,
                        "callback": body["url"], "events": [], "json": True}
                sim.calls[call["Sid"]] = call
            if call is None:
                self.answer(404, {"error": "no such call"})
            elif path == ["end"]:
                sim.finish(call, body.get("status", "completed"))
                self.answer(200, {})
            else:
                sim.fire(call, body.get("event", "terminal"), body.get("status", "completed"), body.get("how"), body.get("fields"), body.get("drop", ()),
                         body.get("url"), int(body.get("times", 1)), bool(body.get("wait", True)))
                self.answer(200, {"call_sid": call["Sid"]})
        else:
            self.answer(404, {"error": "no such door"})


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 256

    def handle_error(self, request, client_address):
        if not isinstance(sys.exc_info()[1], OSError):
            super().handle_error(request, client_address)


def make(options):
    """A server that is listening already; options as parse() gives them. For tests: run serve_forever in a thread."""
    handler = type("BoundHandler", (Handler,), {"sim": Sim(options)})
    return Server(("127.0.0.1", options.port), handler)


def parse(argv=None):
    p = argparse.ArgumentParser(description="An Exotel to test against.")
    p.add_argument("--port", type=int, default=0)
    p.add_argument("--account", default="acme1")
    p.add_argument("--app-id", default="app-1")
    p.add_argument("--app-secret", default="ringd-demo-app-secret")
    p.add_argument("--customer-id", default="c-1")
    p.add_argument("--app-token", default="ringd-demo-app-token")
    p.add_argument("--api-key", default="ringd-demo-api-key")
    p.add_argument("--api-token", default="ringd-demo-api-token")
    return p.parse_args(argv)


def main():
    server = make(parse())
    print(f"exotel simulator on http://127.0.0.1:{server.server_address[1]}", flush=True)
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        pass


if __name__ == "__main__":
    main()
