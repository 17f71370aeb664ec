"""One real lake for the whole suite, in a folder of its own: started by the first test that asks, empty at first.

PROCUREMENT_KEEP_LAKE=1 leaves it running with its data, and the next session goes on with it: for work on one test.
"""

from __future__ import annotations

import fcntl
import io
import os
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout
from functools import cache

import hypothesis
import pytest
from xdist.scheduler import LoadFileScheduling

from common import cli
from common.lake.local import LocalLake
from common.settings import ROOT, SERVICES, load_settings

_HOME = ROOT / "lake" / "test"
_KEEP = bool(os.environ.get("PROCUREMENT_KEEP_LAKE"))


def pytest_configure():
    """The suite never touches another lake, whatever the shell that started it has set."""
    for name in list(os.environ):
        if name in SERVICES or (name.startswith("PROCUREMENT_") and ("__" in name or name == "PROCUREMENT_ENV")):
            del os.environ[name]
    os.environ["PROCUREMENT_LAKE_DIR"] = str(_HOME)
    # several workers and a lake share the machine: how long an example takes says nothing
    hypothesis.settings.register_profile("suite", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow])
    hypothesis.settings.load_profile("suite")


class _Together(LoadFileScheduling):
    """What one worker runs in one piece: a file; all files that edit master data are as one, all that break a lake too."""

    def _split_scope(self, nodeid):
        file = super()._split_scope(nodeid)
        text = (ROOT / file).read_text(encoding="utf-8")
        return next((mark for mark in ("master_data", "own_lake") if f"mark.{mark}" in text), file)


def pytest_xdist_make_scheduler(config, log):
    """How tests are dealt out to several workers."""
    return _Together(config, log)


def pytest_collection_modifyitems(config, items):
    """What needs containers or a YARN runs only when a -m expression names it; orders the rest."""
    for marker in ("containers", "cluster"):
        if marker not in config.getoption("markexpr", ""):
            left_out = [item for item in items if item.get_closest_marker(marker)]
            config.hook.pytest_deselected(items=left_out)
            items[:] = [item for item in items if item not in left_out]
    with_lake = {item.path for item in items if "lake" in item.fixturenames}
    items.sort(key=lambda item: _turn(item, item.path in with_lake))


def _turn(item, is_with_lake):
    """The demo comes first: it is to find an empty lake, as it does at a user's, and no master data but its own.

    One worker goes on with what edits master data, the longest group; the other begins with what needs no lake, while the
    first one makes the demo, and goes on with the slow ones, so that none is left over at the end.
    """
    if "demo" in item.fixturenames and "PYTEST_XDIST_WORKER" not in os.environ:
        return 0
    if item.get_closest_marker("master_data"):
        return 1 - ("clone" in item.fixturenames) / 2  # whose lake starts while the demo is made
    if item.get_closest_marker("slow"):
        return 3
    return 4 if is_with_lake else 2  # of a whole file: one worker runs it in one piece


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item):
    """A test marked `alone` compares all that is in the lake before and after: the other workers wait, between two tests.

    Its worker holds the gate while it waits for their tests to end, so that they begin no others meanwhile.
    """
    _make_way(item)
    if "lake" not in item.fixturenames:
        return (yield)
    kind = fcntl.LOCK_EX if item.get_closest_marker("alone") else fcntl.LOCK_SH
    with (_HOME.parent / "test_turn.lock").open("a") as turn:
        with (_HOME.parent / "test_gate.lock").open("a") as gate:
            fcntl.flock(gate, kind)
            fcntl.flock(turn, kind)
        return (yield)


@cache
def _makes_way():
    os.nice(10)


def _make_way(item):
    """The tests that edit master data are one after the other and take the longest: the other workers leave them the cores."""
    if os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1") > "2" and not item.get_closest_marker("master_data"):
        _makes_way()


def _lake():
    return LocalLake(_HOME, load_settings()["trino.user"])


def pytest_sessionstart(session):
    """Empties the lake unless another session is using it, or it is to be kept."""
    if hasattr(session.config, "workerinput"):
        return
    _HOME.parent.mkdir(exist_ok=True)
    session.config.stash[_USERS] = users = (_HOME.parent / "test.lock").open("a")
    try:
        fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if not _KEEP:
            _lake().reset(lambda text: None)
    except BlockingIOError:
        pass
    fcntl.flock(users, fcntl.LOCK_SH)


def pytest_sessionfinish(session):
    """Stops the lake unless another session is using it, or it is to be kept. Its logs stay."""
    if hasattr(session.config, "workerinput") or _KEEP:
        return
    try:
        fcntl.flock(session.config.stash[_USERS], fcntl.LOCK_EX | fcntl.LOCK_NB)
        _lake().down(lambda text: None)
    except BlockingIOError:
        pass


_USERS = pytest.StashKey()


@pytest.fixture(scope="session")
def lake():
    """The running lake; pytest-xdist's workers share it."""
    made = _lake()
    made.up(lambda text: print(text, file=sys.stderr))
    if "PYTEST_XDIST_WORKER" in os.environ:
        _demo_night()  # whichever worker comes first: no other test's rows are in the lake before it
    return made


@pytest.fixture(scope="session")
def settings(lake):
    """The settings in force, with the lake's addresses."""
    return load_settings()


@pytest.fixture(scope="session")
def hdfs(settings):
    """HDFS."""
    from common.clients.hdfs import Hdfs

    return Hdfs(settings.service("HDFS_URL"))


@pytest.fixture(scope="session")
def trino(settings):
    """Trino as the pipeline's own user."""
    from common.clients.trino import Trino

    return Trino(settings.service("TRINO_URL"), settings["trino.user"])


@pytest.fixture(scope="session")
def metastore(settings):
    """The metastore."""
    from common.clients.metastore import Metastore

    return Metastore(settings.service("METASTORE_URI"), settings.service("HDFS_URL"))


@pytest.fixture(scope="session")
def postgres(settings):
    """PostgreSQL with the schema brought up to date."""
    from common.clients.postgres import Postgres
    from common.migrate import migrate

    database = Postgres(settings.service("DATABASE_URL"))
    migrate(database)
    return database


@pytest.fixture(scope="session")
def submit(lake):
    """Runs ./submit.sh with these arguments, as a user would; returns the CompletedProcess with its texts."""

    def start(*arguments, env=None):
        """Starts it in a process group of its own and returns the Popen at once."""
        return subprocess.Popen(
            [ROOT / "submit.sh", *map(str, arguments)], env={**os.environ, **(env or {})}, cwd=ROOT,
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
        )  # fmt: skip

    _submit.start = start
    return _submit


@pytest.fixture(scope="session")
def command(lake):
    """As `submit`, but in this process: a command without Spark ends a second earlier."""

    def run(*arguments):
        told, said = (io.TextIOWrapper(io.BytesIO(), "utf-8", write_through=True) for _ in range(2))
        with redirect_stdout(told), redirect_stderr(said):
            code = cli.run([str(argument) for argument in arguments])
        return subprocess.CompletedProcess(arguments, code, *(text.buffer.getvalue().decode() for text in (told, said)))

    return run


@pytest.fixture(scope="session")
def demo(lake):
    """The demo's night, run as a user would; its CompletedProcess. A second worker finds it done."""
    done = _demo_night()
    assert done.returncode == 0, done.stderr
    return done


@cache
def _demo_night():
    with (_HOME.parent / "demo.lock").open("a") as turn:
        fcntl.flock(turn, fcntl.LOCK_EX)
        return _submit("demo")


def _submit(*arguments, env=None, **options):
    return subprocess.run(
        [ROOT / "submit.sh", *map(str, arguments)],
        env={**os.environ, **(env or {})}, cwd=options.pop("cwd", ROOT), text=True,
        capture_output=True, check=False, stdin=subprocess.DEVNULL, **options,
    )  # fmt: skip
