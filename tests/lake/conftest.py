"""What tests that break a lake share: the lake, and a finished night on it."""

import os
import subprocess

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
    bring_up(own)

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
