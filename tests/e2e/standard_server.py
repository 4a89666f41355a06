"""An authorization server that is nobody's simulator: oauthlib decides what RFC 6749 and RFC 7636 allow, we only carry its words.

PKCE is demanded, redirect addresses are compared as they are, the client says who it is in one way only, refresh tokens rotate,
and a parameter that no RFC knows is refused. The API that says whose token it is may live on another port.
"""
import base64
import http.server
import json
import os
import threading
import time
import urllib.parse

os.environ["OAUTHLIB_INSECURE_TRANSPORT"] = "1"     # loopback
from oauthlib.oauth2 import RequestValidator, WebApplicationServer  # noqa: E402

CLIENT_ID, CLIENT_SECRET = "standard client/é", "canary:secret %+&=é"
AUTHORIZE = {"response_type", "client_id", "redirect_uri", "scope", "state", "code_challenge", "code_challenge_method"}
TOKEN = {"grant_type", "code", "redirect_uri", "code_verifier", "client_id", "client_secret", "refresh_token", "scope"}


class Client:
    client_id = CLIENT_ID


class Validator(RequestValidator):
    def __init__(self, redirect_uri, basic):
        self.redirect_uri, self.basic = redirect_uri, basic
        self.codes, self.access, self.refresh = {}, {}, {}
        self.spent = set()

    def authenticate_client(self, request, *args, **kwargs):
        header = request.headers.get("Authorization", "")
        if self.basic:
            if not header.startswith("Basic ") or request.client_id or request.client_secret:
                return False
            user, _, password = base64.b64decode(header[6:], validate=True).decode().partition(":")
            pair = (urllib.parse.unquote_plus(user), urllib.parse.unquote_plus(password))
        else:
            pair = None if header else (request.client_id, request.client_secret)
        if pair != (CLIENT_ID, CLIENT_SECRET):
            return False
        request.client = Client()
        return True

    def client_authentication_required(self, request, *args, **kwargs):
        return True

    def validate_client_id(self, client_id, request, *args, **kwargs):
        return client_id == CLIENT_ID

    def validate_redirect_uri(self, client_id, redirect_uri, request, *args, **kwargs):
        return redirect_uri == self.redirect_uri

    def get_default_redirect_uri(self, client_id, request, *args, **kwargs):
        return None

    def get_default_scopes(self, client_id, request, *args, **kwargs):
        return []

    def validate_scopes(self, client_id, scopes, client, request, *args, **kwargs):
        return set(scopes) <= {"calls", "offline_access"}

    def validate_response_type(self, client_id, response_type, client, request, *args, **kwargs):
        return response_type == "code"

    def is_pkce_required(self, client_id, request):
        return True

    def save_authorization_code(self, client_id, code, request, *args, **kwargs):
        self.codes[code["code"]] = {"redirect_uri": request.redirect_uri, "scopes": request.scopes, "until": time.time() + 60,
                                    "challenge": request.code_challenge, "method": request.code_challenge_method}

    def get_code_challenge(self, code, request):
        return self.codes[code]["challenge"]

    def get_code_challenge_method(self, code, request):
        return self.codes[code]["method"]

    def validate_code(self, client_id, code, client, request, *args, **kwargs):
        held = self.codes.get(code)
        if held is None or held["until"] < time.time():
            return False
        request.scopes, request.user = held["scopes"], "a person"
        return True

    def confirm_redirect_uri(self, client_id, code, redirect_uri, client, request, *args, **kwargs):
        return self.codes[code]["redirect_uri"] == redirect_uri

    def invalidate_authorization_code(self, client_id, code, request, *args, **kwargs):
        del self.codes[code]

    def validate_grant_type(self, client_id, grant_type, client, request, *args, **kwargs):
        return grant_type in ("authorization_code", "refresh_token")

    def save_bearer_token(self, token, request, *args, **kwargs):
        self.access[token["access_token"]] = {"until": time.time() + token["expires_in"], "scopes": token["scope"].split()}
        if request.grant_type == "refresh_token":
            del self.refresh[request.refresh_token]
            self.spent.add(request.refresh_token)
        if "refresh_token" in token:
            self.refresh[token["refresh_token"]] = token["scope"].split()

    def get_original_scopes(self, refresh_token, request, *args, **kwargs):
        return self.refresh[refresh_token]

    def validate_refresh_token(self, refresh_token, client, request, *args, **kwargs):
        return refresh_token in self.refresh

    def rotate_refresh_token(self, request):
        return True

    def validate_bearer_token(self, token, scopes, request):
        held = self.access.get(token)
        return held is not None and held["until"] > time.time()


class Standard:
    """The server, and its API beside it or on another port."""

    def __init__(self, redirect_uri, basic, other_port):
        self.validator = Validator(redirect_uri, basic)
        self.expires_in = 3600
        self.oauth = WebApplicationServer(self.validator, token_expires_in=lambda request: self.expires_in)
        self.asked, self.refused = [], []
        self.servers = [self.listen()]
        if other_port:
            self.servers.append(self.listen())
        self.oauth_url, self.api_url = (f"http://127.0.0.1:{s.server_address[1]}" for s in (self.servers[0], self.servers[-1]))

    def listen(self):
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_):
                pass

            def do_GET(self):
                outer.serve(self)

            do_POST = do_GET

        s = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        s.daemon_threads = True
        threading.Thread(target=s.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        return s

    def close(self):
        for s in self.servers:
            s.shutdown()
            s.server_close()

    def answer(self, h, headers, body, status):
        data = (body or "").encode()
        path = h.path.partition("?")[0]
        if status >= 400 and not path.startswith("/api/v2/"):     # hooks are Dialpad's own and no part of any standard
            self.refused.append((path, status, body))
        h.send_response(status)
        for k, v in headers.items():
            h.send_header(k, v)
        h.send_header("Content-Length", str(len(data)))
        h.end_headers()
        h.wfile.write(data)

    def serve(self, h):
        path, _, query = h.path.partition("?")
        body = h.rfile.read(int(h.headers.get("Content-Length") or 0)).decode()
        here = f"http://127.0.0.1:{h.server.server_address[1]}"
        self.asked.append((here, h.command, path))
        uri, headers = here + h.path, dict(h.headers)
        if here == self.oauth_url and path == "/as/authorization":
            if set(urllib.parse.parse_qs(query)) - AUTHORIZE:
                self.answer(h, {}, "a parameter that no RFC knows", 400)
                return
            asked = urllib.parse.parse_qs(query).get("scope", [""])[0].split()
            self.answer(h, *self.oauth.create_authorization_response(uri, h.command, "", headers, asked))
        elif here == self.oauth_url and path == "/as/token" and h.command == "POST":
            if h.headers["Content-Type"] != "application/x-www-form-urlencoded" or query or set(urllib.parse.parse_qs(body)) - TOKEN:
                self.answer(h, {}, json.dumps({"error": "invalid_request"}), 400)
                return
            self.answer(h, *self.oauth.create_token_response(uri, h.command, body, headers, {}))
        elif here == self.api_url and path == "/v1/whoami" and h.command == "GET":
            good, _ = self.oauth.verify_request(uri, h.command, body, headers, [])
            if good:
                self.answer(h, {"Content-Type": "application/json"}, json.dumps({"id": "u-1", "company_id": "4242", "display_name": "Standard Person"}), 200)
            else:
                self.answer(h, {"WWW-Authenticate": 'Bearer error="invalid_token"'}, "", 401)
        else:
            self.answer(h, {}, "nothing here", 404)


