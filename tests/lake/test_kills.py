"""SIGKILL from outside to the whole process group at a named point, then a rerun: the same bytes, nothing lost, no leftovers.

On the lake that tests may break, for its night: tests of other nights go on meanwhile.
"""

import os
import signal
import subprocess
import time

import pytest

from common.clients.postgres import Postgres
from tests.lake.own_lake import DAY

pytestmark = pytest.mark.own_lake

# a point, and the command that passes it; the points around the export's link: tests/publish/test_release_lake.py
KILLS = [
    ("staging_task", "stage_orders"),
    ("built_before_audit", "stage_stock"),
    ("audited_before_flip", "net_demand"),
    ("between_flips", "purchase_orders"),
    ("flipped_before_ledger", "exceptions"),
]


@pytest.fixture
def night(bytes_of_night):
    """The night's order files as they were before."""
    return bytes_of_night()


@pytest.mark.parametrize(("barrier", "command"), KILLS, ids=[f"{c}-{b}" for b, c in KILLS])
def test_a_killed_run_leaves_a_clean_date(night, own, own_submit, bytes_of_night, stands_at, barrier, command):
    process = stands_at(command, barrier)
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    own_submit("all", DAY)
    assert bytes_of_night() == night
    left = Postgres(own.site().addresses()["DATABASE_URL"]).rows(
        "select count(*) from ops.stages s join ops.runs r using (run_id) where r.business_date = %s"
        " and s.status in ('running', 'publishing')",
        (DAY,),
    )
    assert left == [(0,)]
    assert '"stale": []' in own_submit("status", DAY, "--json")


def test_two_runs_of_one_date_at_once(night, own_submit, bytes_of_night, stands_at):
    process = stands_at("net_demand", "audited_before_flip")
    try:
        begin = time.monotonic()
        assert "under way" in own_submit("all", DAY, expect=75)
        assert time.monotonic() - begin < 10
        assert bytes_of_night() == night
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
    own_submit("all", DAY)
    assert bytes_of_night() == night


def test_a_paused_run_keeps_its_lock_and_refuses_to_publish_after_an_unlock(night, own_start, own_submit, bytes_of_night):
    process = own_start("all", DAY, "--force")
    wait_for_lock(own_submit)
    os.killpg(process.pid, signal.SIGSTOP)
    try:
        own_submit("net_demand", DAY, expect=75)
        assert "ended" in own_submit("unlock", DAY)
        own_submit("all", DAY)
    finally:
        os.killpg(process.pid, signal.SIGCONT)
    try:
        said, _ = process.communicate(timeout=120)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        raise
    assert process.returncode == 75, said
    assert bytes_of_night() == night


def wait_for_lock(submit):
    """Waits until a run of the date holds the lock."""
    for _ in range(200):
        if "locked by" in submit("status", DAY):
            return
        time.sleep(0.1)
    raise AssertionError("no run took the lock")


def test_sigterm_ends_a_run_with_75_and_frees_the_date(night, own_start, own_submit, bytes_of_night):
    process = own_start("all", DAY, "--force")
    wait_for_lock(own_submit)
    process.send_signal(signal.SIGTERM)
    said, _ = process.communicate(timeout=60)
    assert process.returncode == 75, said
    own_submit("all", DAY)
    assert bytes_of_night() == night
