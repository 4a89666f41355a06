#!/usr/bin/env python3
"""A CRM's own server, as small as can be: its pages, under a strict policy, and the token that says who is signed in.

    RINGD=https://cti.example.com CLIENT_KEY=web_… SERVER_KEY=app_… AGENT=asha server.py [PORT]

SERVER_KEY never leaves this process: agent_token() proves with it who the agent is. SIP is the address of the telephone server, for the policy.
"""
import base64
import hashlib
import hmac
import html
import http.server
import json
import os
import pathlib
import sys
import time
import urllib.request

HERE = pathlib.Path(__file__).resolve().parent
RINGD, CLIENT_KEY, SERVER_KEY, AGENT = (os.environ[name] for name in ("RINGD", "CLIENT_KEY", "SERVER_KEY", "AGENT"))
SIP = os.environ.get("SIP", "wss://voip.in1.exotel.com")
POLICY = (f"default-src 'none'; script-src 'self' {RINGD}; connect-src 'self' {RINGD} {SIP}; style-src 'self'; "
          "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types ringd-ribbon")
TYPES = {".html": "text/html; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".css": "text/css; charset=utf-8"}


def agent_token(agent):
    """The whole recipe: a JWT, HS256, its key the SHA-256 of the server key."""
    def part(x):
        return base64.urlsafe_b64encode(x).rstrip(b"=")
    now = int(time.time())
    text = part(b'{"alg":"HS256","typ":"JWT"}') + b"." + part(json.dumps({"sub": agent, "iat": now, "exp": now + 300}).encode())
    return (text + b"." + part(hmac.new(hashlib.sha256(SERVER_KEY.encode()).digest(), text, hashlib.sha256).digest())).decode()


class Page(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        if self.path == "/agent-token":         # a real one looks at its own cookie first: who is asking?
            self.answer(agent_token(AGENT).encode(), "text/plain")
            return
        name = "index.html" if self.path == "/" else self.path.lstrip("/")
        if name not in ("index.html", "crm.js", "crm.css"):
            self.send_error(404)
            return
        body = (HERE / name).read_text(encoding="utf-8")
        if name == "index.html":
            for mark, value in self.server.marks.items():
                body = body.replace(mark, html.escape(value))
        self.answer(body.encode(), TYPES[pathlib.Path(name).suffix])

    def answer(self, body, kind):
        self.send_response(200)
        for name, value in (("Content-Type", kind), ("Content-Length", str(len(body))), ("Content-Security-Policy", POLICY), ("Cache-Control", "no-store"),
                            ("Permissions-Policy", "microphone=(self), camera=()"), ("X-Content-Type-Options", "nosniff")):
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


def main():
    with urllib.request.urlopen(f"{RINGD}/ribbon/manifest.json", timeout=10) as r:
        manifest = json.load(r)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1]) if len(sys.argv) > 1 else 8000), Page)
    # For the example only: a real page has file and digest written down, so that a changed server cannot change them.
    server.marks = {"@RINGD@": RINGD, "@FILE@": manifest["main"], "@INTEGRITY@": manifest["files"][manifest["main"]]["integrity"], "@KEY@": CLIENT_KEY,
                    "@AGENT@": AGENT}
    print(f"http://127.0.0.1:{server.server_address[1]}/", flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
