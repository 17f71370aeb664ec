"""What tests that break a lake share: the lake, and a finished night on it."""

import os
import subprocess
import time

import pytest

from common.lake.local import LocalLake
from common.settings import ROOT
from tests.lake.own_lake import DAY, bring_up, quiet
from tests.replay.nights import SIZE, files_of


@pytest.fixture(scope="package")
def own(tmp_path_factory):
    """A running lake that these tests may break."""
    made = LocalLake(tmp_path_factory.mktemp("ein See, ß") / "lake", "procurement")
    try:
        assert bring_up(made)
        yield made
    finally:
        made.reset(quiet)
    assert not any(made.home.iterdir())


@pytest.fixture(scope="package")
def own_start(own):
    """Starts ./submit.sh on that lake in a process group of its own and returns the Popen; its two outputs are one."""

    def start(*arguments, **more):
        env = os.environ | {"PROCUREMENT_LAKE_DIR": str(own.home)} | more
        return subprocess.Popen(
            [ROOT / "submit.sh", *arguments], env=env, text=True, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True,
        )  # fmt: skip

    return start


@pytest.fixture(scope="package")
def own_submit(own_start):
    """Runs ./submit.sh on that lake to its end; what it said."""

    def submit(*arguments, expect=0):
        process = own_start(*arguments)
        output, _ = process.communicate(timeout=300)
        assert process.returncode == expect, output
        return output

    return submit


@pytest.fixture(scope="package")
def bytes_of_night(own, own_submit):
    """Reads the order files of DAY, whose night is finished; it has faults of every kind."""
    own_submit("generate", DAY, *SIZE, "--dirty", "2", "--seed", "5")
    own_submit("all", DAY)

    def read():
        return files_of(own.home / "output", DAY)

    assert len(read()) > 4
    return read


@pytest.fixture
def reached(tmp_path):
    """The file that a run makes at its barrier; it goes on when the file is removed."""
    return tmp_path / "reached"


@pytest.fixture
def stands_at(own_start, reached):
    """Starts a command for DAY, waits until it stands at a barrier, and returns the Popen."""

    def start(command, barrier, **more):
        drill = {"PROCUREMENT_BARRIER": barrier, "PROCUREMENT_BARRIER_FILE": str(reached)}
        process = own_start(command, DAY, "--force", **drill, **more)
        deadline = time.monotonic() + 120
        while not reached.exists():
            assert process.poll() is None, process.stdout.read()
            assert time.monotonic() < deadline, f"never reached {barrier}"
            time.sleep(0.05)
        return process

    return start
