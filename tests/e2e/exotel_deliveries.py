"""Deliveries as Exotel makes them: JSON, a form in either encoding, or a query string."""
import json
import urllib.parse

import ringd

SAMPLES = [json.loads(line) for line in (ringd.TOP / "tests/data/exotel-samples.jsonl").read_text().splitlines()]
BOUNDARY = "----------------------------5f1c0a9e77b2"


class Hook:
    """A hook of Exotel, made as an administrator makes it."""

    def __init__(self, daemon, pg, app, *options):
        made = ringd.ringctl("hook", "create", app, "--provider", "exotel", *options, database=pg.dsn(daemon.database))
        self.daemon, self.app, self.id, self.secret = daemon, app, made["id"], made["secret"]
        self.path = urllib.parse.urlparse(made["url"]).path

    def json(self, fields, headers=None, content_type="application/json"):
        body = fields if isinstance(fields, (str, bytes)) else json.dumps(fields)
        return self.daemon.post(self.path, body, {"Content-Type": content_type, **(headers or {})})

    def form(self, fields, headers=None):
        body = fields if isinstance(fields, (str, bytes)) else urllib.parse.urlencode(fields)
        return self.daemon.post(self.path, body, {"Content-Type": "application/x-www-form-urlencoded", **(headers or {})})

    def multipart(self, fields, headers=None):
        return self.daemon.post(self.path, multipart(fields), {"Content-Type": f"multipart/form-data; boundary={BOUNDARY}",
                                                               **(headers or {})})

    def query(self, fields, headers=None):
        text = fields if isinstance(fields, str) else urllib.parse.urlencode(fields)
        return ringd.request(self.daemon.port, "GET", f"{self.path}?{text}", headers or {})

    def send(self, sample, headers=None):
        return getattr(self, sample["form"])(sample["fields"], headers)


def multipart(fields):
    parts = [f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{k}"\r\n\r\n{v}\r\n' for k, v in fields.items()]
    return ("".join(parts) + f"--{BOUNDARY}--\r\n").encode()
