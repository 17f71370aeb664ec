"""A PostgreSQL of the tests' own that is paused while it is asked: nobody waits for ever, and a slow one is waited for."""

import io
import os
import signal
import threading
import time
from contextlib import contextmanager, suppress
from datetime import date
from pathlib import Path

import pytest

from common.clients import postgres as client
from common.clients.postgres import Postgres
from common.errors import TryAgain
from common.lake.layout import local_site
from common.lake.postgresql import Postgresql
from common.migrate import migrate
from common.publish.ledger import Ledger

ALL = "copy (select generate_series(1, 5)) to stdout"


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """The running server."""
    site = local_site(tmp_path_factory.mktemp("postgresql"), "procurement")
    site.render()
    made = Postgresql(site)
    made.prepare()
    made.process.start(made.command(), made.environment())
    try:
        deadline = time.monotonic() + 60
        while reason := made.not_ready():
            assert time.monotonic() < deadline, reason
            time.sleep(0.1)
        made.after_start()
        yield made
    finally:
        made.stop(made.site.home)


@pytest.fixture
def database(server, monkeypatch):
    """The client, with a patience that a test has: 1 s without an answer, then 2 s without a greeting."""
    monkeypatch.setattr(client, "_QUIET_SECONDS", 1)
    monkeypatch.setitem(client._OPTIONS, "connect_timeout", 2)
    return Postgres(server.site.addresses()["DATABASE_URL"], retry_seconds=4)


@contextmanager
def paused(server):
    """SIGSTOP to the server and all its children."""
    first = server.process.pid()
    os.kill(first, signal.SIGSTOP)  # so that no child is missed
    pids = [first, *children(first)]
    for pid in pids[1:]:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in pids:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)


def children(parent):
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            if int(stat.read_text().rpartition(")")[2].split()[1]) == parent:
                yield int(stat.parent.name)


@pytest.mark.parametrize(
    "ask",
    [lambda c: c.execute("select 1"), lambda c: c.copy_expert(ALL, io.BytesIO()), lambda c: c.connection.commit()],
    ids=["statement", "copy", "commit"],
)
def test_a_server_that_falls_silent_ends_a_transaction_with_75(server, database, ask):
    begun = time.monotonic()
    with pytest.raises(TryAgain, match="asked a question and is silent") as failure, database.transaction() as cursor:
        cursor.execute("create temporary table t as select 1 as n")
        with paused(server):
            ask(cursor)
    assert 2 < time.monotonic() - begun < 8
    assert failure.value.exit_code == 75 and database.place in failure.value.where


def test_a_run_whose_server_falls_silent_may_not_publish(server, database):
    migrate(database)
    ledger = Ledger(database, date(2031, 3, 5))
    ledger.lock(0)
    ledger.begin("test", {}, "0", "0")
    with paused(server), pytest.raises(TryAgain, match="has lost its PostgreSQL session"):
        ledger.require_lock()
    with pytest.raises(TryAgain):
        ledger.end("failed", 75)
    ledger.close()


def test_a_question_is_asked_again_until_the_patience_ends(server, database):
    assert database.rows("select 41") == [(41,)]
    with paused(server), pytest.raises(TryAgain, match="can't be reached"):
        database.rows("select 42")


def test_a_question_is_asked_again_until_the_server_is_back(server, database):
    patient = Postgres(database.url, retry_seconds=20)
    assert patient.rows("select 41") == [(41,)]
    pause = threading.Thread(target=pause_for, args=(server, 4))
    pause.start()
    time.sleep(0.5)
    assert patient.rows("select 43") == [(43,)]
    pause.join()


def pause_for(server, seconds):
    with paused(server):
        time.sleep(seconds)


def test_a_statement_may_take_its_time(server, database):
    assert database.rows("select 44 from pg_sleep(5)") == [(44,)]
    with database.transaction(isolation_level="REPEATABLE READ", readonly=True) as cursor:
        out = io.BytesIO()
        cursor.copy_expert("copy (select current_setting('transaction_isolation') from pg_sleep(3)) to stdout", out)
    assert out.getvalue() == b"repeatable read\n"
