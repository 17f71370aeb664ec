"""SIGKILL from outside to the whole process group at a named point, then a rerun: the same bytes, nothing lost, no leftovers."""

import os
import signal
import subprocess
import time

import pytest

from tests.replay.nights import first_night, orders_of

pytestmark = pytest.mark.master_data

DAY = "2032-04-09"
# a point, and the command that passes it; the points around the export's link: tests/publish/test_release_lake.py
KILLS = [
    ("staging_task", "stage_orders"),
    ("built_before_audit", "stage_stock"),
    ("audited_before_flip", "net_demand"),
    ("between_flips", "purchase_orders"),
    ("flipped_before_ledger", "exceptions"),
    ("between_flips", "all"),
]


@pytest.fixture(scope="module")
def night(submit, settings):
    """A finished night's order files."""
    return first_night(submit, settings, DAY, "9")


def start(submit, command, barrier, tmp_path, *options):
    """Starts a command in a process group of its own and waits until it stands at the barrier."""
    reached = tmp_path / "reached"
    env = {"PROCUREMENT_BARRIER": barrier, "PROCUREMENT_BARRIER_FILE": str(reached)}
    process = submit.start(command, DAY, "--force", *options, env=env)
    deadline = time.monotonic() + 120
    while not reached.exists():
        assert process.poll() is None, f"ended with {process.returncode} before it reached {barrier}"
        assert time.monotonic() < deadline, f"never reached {barrier}"
        time.sleep(0.05)
    return process


@pytest.mark.parametrize(("barrier", "command"), KILLS, ids=[f"{c}-{b}" for b, c in KILLS])
def test_a_killed_run_leaves_a_clean_date(night, submit, settings, postgres, hdfs, tmp_path, barrier, command):
    process = start(submit, command, barrier, tmp_path)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    again = submit("all", DAY)
    assert again.returncode == 0, again.stderr
    assert orders_of(settings, DAY) == night
    left = postgres.rows(
        "select count(*) from ops.stages s join ops.runs r using (run_id) where r.business_date = %s"
        " and s.status in ('running', 'publishing')",
        (DAY,),
    )
    assert left == [(0,)]
    released = submit("status", DAY, "--json")
    assert '"stale": []' in released.stdout


def test_two_runs_of_one_date_at_once(night, submit, settings, tmp_path):
    process = start(submit, "net_demand", "audited_before_flip", tmp_path)
    try:
        begin = time.monotonic()
        second = submit("all", DAY)
        assert second.returncode == 75 and "under way" in second.stderr
        assert time.monotonic() - begin < 10
        assert orders_of(settings, DAY) == night
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    assert submit("all", DAY).returncode == 0
    assert orders_of(settings, DAY) == night


def test_a_paused_run_keeps_its_lock_and_refuses_to_publish_after_an_unlock(night, submit, settings):
    process = submit.start("all", DAY, "--force")
    stopped_in = wait_for_lock(submit)
    os.killpg(process.pid, signal.SIGSTOP)
    try:
        assert submit("net_demand", DAY).returncode == 75
        freed = submit("unlock", DAY)
        assert freed.returncode == 0 and "ended" in freed.stdout, freed.stdout
        assert submit("all", DAY).returncode == 0, stopped_in
    finally:
        os.killpg(process.pid, signal.SIGCONT)
    try:
        assert process.wait(timeout=120) == 75
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        raise
    assert orders_of(settings, DAY) == night


def wait_for_lock(submit):
    """Waits until a run of the date holds the lock."""
    for _ in range(200):
        text = submit("status", DAY).stdout
        if "locked by" in text:
            return text
        time.sleep(0.1)
    raise AssertionError("no run took the lock")


def test_sigterm_ends_a_run_with_75_and_frees_the_date(night, submit, settings):
    process = submit.start("all", DAY, "--force")
    wait_for_lock(submit)
    process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=60) == 75
    assert submit("all", DAY).returncode == 0
    assert orders_of(settings, DAY) == night
