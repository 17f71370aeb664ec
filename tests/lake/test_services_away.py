"""Services that go away in the middle of a run, and come back or stay away; an HDFS that is full. On a lake of their own."""

import getpass
import time
from urllib.parse import urlencode
from urllib.request import Request, urlopen

import pytest

from common.clients.hdfs import Hdfs
from tests.lake.own_lake import DAY, bring_up

pytestmark = pytest.mark.own_lake


@pytest.fixture
def stopped(own, bytes_of_night, stands_at, reached):
    """Begins a stage and stops services when it reaches a barrier; how it goes on without them. Afterwards all are back."""

    def begin(barrier, services, patience, stage="net_demand"):
        run = stands_at(stage, barrier, PROCUREMENT_SERVICES__RETRY_SECONDS=str(patience))
        for service in own.services():
            if service.name in services:
                service.stop(own.home)
        reached.unlink()
        return run

    yield begin
    bring_up(own)


@pytest.mark.parametrize(
    ("service", "barrier", "said"),
    [
        ("namenode", "built_before_audit", "away"),
        ("metastore", "audited_before_flip", "the metastore was asked to"),
        ("postgresql", "audited_before_flip", "has lost its PostgreSQL session"),
    ],
)
def test_a_service_that_goes_away_and_stays_away_ends_a_run_with_75(stopped, service, barrier, said):
    ends_with_75(stopped(barrier, [service], patience=2), said)


def ends_with_75(run, said):
    output, _ = run.communicate(timeout=180)
    assert run.returncode == 75, output
    assert said in output and "./submit.sh" in output and "Traceback" not in output, output


def test_services_that_come_back_let_a_run_finish_and_the_bytes_are_the_same(own, bytes_of_night, stopped, own_submit):
    """Trino stays away from one run before: it is the slowest to start, and Spark builds without it."""
    before = bytes_of_night()
    ends_with_75(stopped("built_before_audit", ["trino"], patience=2), "Trino was asked to")
    run = stopped("built_before_audit", ["namenode", "datanode", "metastore"], patience=300, stage="stage_stock")
    time.sleep(3)
    assert run.poll() is None, run.stdout.read()
    assert bring_up(own)
    output, _ = run.communicate(timeout=300)
    assert run.returncode == 0, output
    own_submit("all", DAY)
    assert bytes_of_night() == before


def set_quota(lake, path, room):
    """Bounds what may be written below a folder of its HDFS: to nothing more than there is, or not at all (-1)."""
    webhdfs = lake.site().addresses()["WEBHDFS_URL"]
    query = urlencode({"op": "SETQUOTA", "user.name": getpass.getuser(), "namespacequota": 2**63 - 1, "storagespacequota": room})
    with urlopen(Request(f"{webhdfs}{path}?{query}", method="PUT"), timeout=30):
        pass


@pytest.mark.parametrize(
    ("stage", "table"), [("stage_orders", "staging.pos_order_lines"), ("net_demand", "planning.net_demand")]
)
def test_a_full_hdfs_ends_a_run_with_73_and_leaves_no_part_of_a_file(own, bytes_of_night, own_submit, stage, table):
    """One stage writes by Spark, the other by Trino."""
    hdfs = Hdfs(own.site().addresses()["HDFS_URL"])
    root = f"/warehouse/_runs/{table}"
    before = [entry.path for entry in hdfs.list(f"{root}/{DAY}")]
    set_quota(own, root, 1)
    try:
        full = own_submit(stage, DAY, "--force", expect=73)
    finally:
        set_quota(own, root, -1)
    assert "free space in HDFS" in full, full
    assert [entry.path for entry in hdfs.list(f"{root}/{DAY}")] == before
    own_submit(stage, DAY, "--force")
