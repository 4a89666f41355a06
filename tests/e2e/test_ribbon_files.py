"""The ribbon's scripts: who gets which bytes, for how long they may be kept, and what a reload changes."""
import base64
import gzip
import hashlib
import json

import pytest

import ringd
from ringd import request, ringctl, wait_for

V1 = b"/* one */ globalThis.x = 1;" * 40
V2 = b"/* two */ globalThis.x = 2;" * 40


@pytest.fixture(scope="module")
def folder(base):
    d = base / "ribbon"
    d.mkdir()
    d.chmod(0o755)
    put(d, "ribbon-1.9.2.js", V1)
    put(d, "ribbon-webrtc-1.9.2.js", b"second();")
    put(d, "manifest.json", json.dumps({"version": "1.9.2"}).encode())
    put(d, "Readme.TXT", b"not served: capital letters")
    put(d, ".hidden.js", b"not served")
    put(d, "odd.bin", b"not served: of no kind we know")
    (d / "sub.js").mkdir()
    return d


def put(folder, name, data, packed=True):
    (folder / name).write_bytes(data)
    if packed and name.endswith(".js"):
        (folder / f"{name}.gz").write_bytes(gzip.compress(data))


@pytest.fixture(scope="module")
def daemon(new_daemon, folder):
    d = new_daemon(ribbon={"files": folder}).start()
    yield d
    assert d.stop() == 0


def get(d, name, method="GET", **headers):
    return request(d.port, method, f"/ribbon/{name}", headers={k.replace("_", "-"): v for k, v in headers.items()})


def test_a_page_elsewhere_may_load_it_and_check_it(daemon):
    a = get(daemon, "ribbon-1.9.2.js", Origin="https://crm.example")
    h = a.headers
    assert a.status == 200 and a.body == V1
    assert h["content-type"] == "text/javascript; charset=utf-8" and h["x-content-type-options"] == "nosniff"
    assert h["access-control-allow-origin"] == "*" and h["cross-origin-resource-policy"] == "cross-origin"
    assert "access-control-allow-credentials" not in h and "set-cookie" not in h
    assert h["cache-control"] == "public, max-age=31536000, immutable" and h["vary"] == "Accept-Encoding"
    assert "content-encoding" not in h
    head = get(daemon, "ribbon-1.9.2.js", method="HEAD")
    assert head.status == 200 and head.body == b"" and head.headers["content-length"] == str(len(V1))


@pytest.mark.parametrize("accept, packed", [("gzip, deflate, br", True), ("br;q=1, GZIP;q=0.5", True), ("*", True), ("gzip;q=0", False),
                                            ("gzip; q=0.000", False), ("identity", False), ("xgzip", False), ("", False)])
def test_packed_for_who_can_take_it(daemon, accept, packed):
    a = get(daemon, "ribbon-1.9.2.js", Accept_Encoding=accept)
    assert (a.headers.get("content-encoding") == "gzip") is packed and a.headers["vary"] == "Accept-Encoding"
    assert (gzip.decompress(a.body) if packed else a.body) == V1
    assert a.headers["content-type"].startswith("text/javascript")


def test_an_etag_is_of_the_very_bytes(daemon):
    plain, packed = get(daemon, "ribbon-1.9.2.js"), get(daemon, "ribbon-1.9.2.js", Accept_Encoding="gzip")
    assert plain.headers["etag"] == '"' + base64.urlsafe_b64encode(hashlib.sha256(V1).digest()[:12]).decode() + '"'
    assert packed.headers["etag"] != plain.headers["etag"]
    for tag in (plain.headers["etag"], f'"x", W/{plain.headers["etag"]}', "*"):
        a = get(daemon, "ribbon-1.9.2.js", If_None_Match=tag)
        assert a.status == 304 and a.body == b"" and a.headers["etag"] == plain.headers["etag"]
        assert a.headers["access-control-allow-origin"] == "*" and "immutable" in a.headers["cache-control"]
    assert get(daemon, "ribbon-1.9.2.js", If_None_Match='"other"').status == 200
    assert get(daemon, "ribbon-1.9.2.js", If_None_Match=plain.headers["etag"], Accept_Encoding="gzip").status == 200


def test_names_without_a_version_are_kept_for_minutes(daemon):
    for name in ("ribbon.js", "manifest.json"):
        assert get(daemon, name).headers["cache-control"] == "public, max-age=300"
    assert get(daemon, "ribbon.js").body == V1
    assert get(daemon, "manifest.json").json["version"] == "1.9.2"


@pytest.mark.parametrize("name", ["Readme.TXT", ".hidden.js", "odd.bin", "sub.js", "ribbon-1.9.2.js.gz", "none.js", "..%2fringd.yaml", "%72ibbon.js", "..", ""])
def test_nothing_else_is_there(daemon, name):
    a = get(daemon, name)
    assert a.status == 404 and a.json["code"] == "not_found"


def test_only_reading(daemon):
    a = request(daemon.port, "POST", "/ribbon/ribbon.js", body="{}")
    assert a.status == 405 and a.headers["allow"] == "GET, HEAD, OPTIONS"


def test_none_when_none_is_configured(new_daemon):
    d = new_daemon(workers=1).start()
    assert request(d.port, "GET", "/ribbon/ribbon.js").status == 404
    assert d.stop() == 0


def test_a_reload_takes_what_is_there_and_keeps_what_served_when_it_is_bad(daemon, folder):
    put(folder, "ribbon-1.10.0.js", V2)
    assert get(daemon, "ribbon-1.10.0.js").status == 404 and get(daemon, "ribbon.js").body == V1
    ringctl("reload", config=daemon.config)
    assert get(daemon, "ribbon.js").body == V2 and get(daemon, "ribbon-1.9.2.js").body == V1
    (folder / "big.js").write_bytes(b"x" * (4 * 1024 * 1024))
    done = ringctl("reload", config=daemon.config, check=False)
    assert done.returncode == 1 and "holds more than 4194304 bytes" in done.stdout
    (folder / "big.js").unlink()
    for i in range(16):
        (folder / f"many-{i}.js").write_bytes(b"x")
    done = ringctl("reload", config=daemon.config, check=False)
    assert done.returncode == 1 and "holds more than 16 files" in done.stdout
    for i in range(16):
        (folder / f"many-{i}.js").unlink()
    daemon.write(ribbon={"files": folder / "nowhere"})
    done = ringctl("reload", config=daemon.config, check=False)
    assert done.returncode == 1 and "ribbon.files: " in done.stdout and "No such file" in done.stdout
    assert get(daemon, "ribbon.js").body == V2
    daemon.write(ribbon={"files": folder / "sub.js"})
    done = ringctl("reload", config=daemon.config, check=False)
    assert done.returncode == 1 and "holds no ribbon" in done.stdout
    daemon.write(ribbon={"files": folder})
    ringctl("reload", config=daemon.config)
    wait_for("the old workers to leave", lambda: get(daemon, "ribbon.js").body == V2)


def test_what_was_built_is_what_is_served(new_daemon):
    built = sorted((ringd.TOP / "build/ribbon").glob("*/manifest.json"))
    if not built:
        pytest.skip("no ribbon was built (make ribbon)")
    d = new_daemon(workers=1, ribbon={"files": built[-1].parent}).start()
    told = get(d, "manifest.json").json
    for name, file in told["files"].items():
        a = get(d, name)
        assert a.status == 200 and len(a.body) == file["bytes"]
        assert file["integrity"] == "sha384-" + base64.b64encode(hashlib.sha384(a.body).digest()).decode()
        assert len(get(d, name, Accept_Encoding="gzip").body) == file["gzip"]
    assert get(d, "ribbon.js").body == get(d, told["main"]).body
    assert d.stop() == 0
