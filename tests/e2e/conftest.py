"""Fixtures: one PostgreSQL a run, one migrated template, a fresh database and daemon per test module unless a test wants its own."""
import itertools
import pathlib
import shutil
import signal

import pytest

import proxies
import certs
import ringd

numbers = itertools.count(1)


@pytest.fixture(scope="session")
def base():
    path = pathlib.Path(ringd.temporary_directory())
    path.chmod(0o755)
    yield path
    shutil.rmtree(path, ignore_errors=True)


@pytest.fixture(scope="session")
def pg(base):
    server = ringd.Postgres(base / "pg")
    with server.connect("postgres", "postgres").cursor() as c:
        c.execute("CREATE DATABASE ringd_template")
    server.psql("ringd_template", ringd.TOP / "sql/roles.sql")
    ringd.ringctl("migrate", "--dir", ringd.TOP / "sql", database=server.dsn("ringd_template"))
    yield server
    server.stop("immediate")


@pytest.fixture(scope="session")
def new_database(pg):
    """Makes a database with ringd's schema and returns its name."""
    def make():
        name = f"ringd_{next(numbers)}"
        with pg.connect("postgres", "postgres").cursor() as c:
            c.execute(f"CREATE DATABASE {name} TEMPLATE ringd_template")
        return name
    return make


@pytest.fixture(scope="session")
def new_daemon(base, pg, new_database):
    """Makes a daemon (not started) on a database of its own, or on the one named."""
    made = []

    def make(database=None, **settings):
        d = ringd.Daemon(base / f"d{next(numbers)}", pg, database or new_database(), **settings)
        made.append(d)
        return d
    yield make
    for d in made:
        if d.process and d.process.poll() is None:
            d.process.kill()
            d.process.wait(10)
        if d.pid_file.exists():         # replaced by an upgrade, or in the background
            d.stop_master(signal.SIGKILL)


@pytest.fixture(scope="session")
def ca(base):
    return certs.Authority(base / "ca")


@pytest.fixture(scope="module")
def daemon(new_daemon):
    """A running daemon for the tests of one file."""
    d = new_daemon().start()
    yield d
    code = d.stop()
    assert code == 0, f"exit {code}\n{d.text()[-3000:]}"


@pytest.fixture(scope="module")
def new_proxy(base):
    """Starts nginx or haproxy in front of a daemon."""
    made = []

    def make(kind, daemon, variant="http", changes=()):
        p = proxies.Proxy(kind, base / f"p{next(numbers)}", daemon, variant, changes)
        made.append(p)
        return p.start()
    yield make
    for p in made:
        p.stop()


@pytest.fixture(scope="module")
def db(pg, daemon):
    c = pg.connect(daemon.database)
    yield c
    c.close()


@pytest.fixture(scope="module")
def acme(pg, daemon):
    return ringd.Tenant(pg.dsn(daemon.database), "Acme")


@pytest.fixture(scope="module")
def globex(pg, daemon):
    return ringd.Tenant(pg.dsn(daemon.database), "Globex")


@pytest.fixture(autouse=True)
def alive(request):
    """Whatever a test sent, the daemon of its file is still there and no sanitizer complained."""
    yield
    if "daemon" in request.fixturenames:
        d = request.getfixturevalue("daemon")
        assert d.process.poll() is None
        text = d.text()
        assert "AddressSanitizer" not in text and "runtime error:" not in text and "LeakSanitizer" not in text, text[-4000:]
