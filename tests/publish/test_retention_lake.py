"""Retention on the real lake: it removes what is old and unpublished, and nothing that a run may be reading."""

from argparse import Namespace
from datetime import date, timedelta

import pytest

from common.contracts import contract
from common.errors import TryAgain
from common.publish.ledger import Ledger
from common.publish.retention import remove_old
from common.publish.run import Clients, runs_root, table_root
from common.publish.stale import later_dates
from common.stages import Built, Input

TABLE = "staging.stores"
DAY = date(1930, 1, 1)
LONG_AGO = 2.0  # seconds since 1970: of all that is in the lake these tests' directories alone are older


@pytest.fixture
def clients(settings, postgres):
    return Clients(settings)


@pytest.fixture
def left(clients, metastore):
    """What two runs of DAY left, long ago; the second is published. Path of the first."""
    root = runs_root(clients.settings, TABLE, DAY)
    for run in (1, 2):
        clients.hdfs.write(f"{root}/{run}-1/part-0.parquet", b"rows", overwrite=True)
        clients.hdfs._client.set_times(f"{root}/{run}-1", 1000, 1000)
    metastore.ensure_tables([(contract(TABLE), table_root(clients.settings, TABLE))])
    metastore.point(TABLE, DAY, f"{root}/2-1", {})
    yield f"{root}/1-1"
    metastore.drop_partition(TABLE, DAY)
    clients.hdfs.delete(root)


@pytest.fixture
def running(clients):
    """Begins a run of a date, which holds its lock until the test has ended."""
    begun = []

    def begin(day):
        ledger = Ledger(clients.postgres, day)
        ledger.lock(0)
        ledger.begin("test", {}, "code", "settings")
        begun.append(ledger)
        return ledger

    begin.begun = begun
    yield begin
    for ledger in begun:
        ledger.end("succeeded", 0)
        ledger.close()


def test_what_is_published_stays_and_the_rest_goes(clients, left):
    assert remove_old(clients, LONG_AGO).removed == 1
    assert not clients.hdfs.exists(left) and clients.hdfs.exists(left.replace("/1-1", "/2-1"))


@pytest.mark.parametrize("days_later", [0, 1, 90], ids=["of the date", "of the day after", "at the end of the window"])
def test_a_date_that_a_run_uses_is_left_alone(clients, left, running, days_later):
    """The run of a later date reads the dates before it; another's flip may have replaced what it reads of them."""
    run = DAY + timedelta(days=days_later)
    running(run)
    with pytest.raises(TryAgain, match=f"1 dates are in use by the run of {run}"):
        remove_old(clients, LONG_AGO)
    assert clients.hdfs.exists(left)


def test_a_run_of_another_time_is_not_in_the_way(clients, left, running):
    running(DAY + timedelta(days=91))
    running(DAY - timedelta(days=1))
    assert remove_old(clients, LONG_AGO).removed == 1


def test_what_a_run_with_settings_of_its_own_has_pinned_stays(clients, left, running):
    """A replay goes by the settings of its night: it may look further back than today's."""
    run = DAY + timedelta(days=200)
    running(run).stage_begins("net_demand", "print", [Input(f"{TABLE}/{DAY}", left, left)])
    with pytest.raises(TryAgain, match=f"1 dates are in use by the run of {run}"):
        remove_old(clients, LONG_AGO)
    assert clients.hdfs.exists(left)


def test_later_dates_depend_as_far_back_as_the_settings_that_they_ran_with(clients, running):
    settings = {"planning.open_order_days": 200, "planning.history_days": 28}
    near, far = DAY + timedelta(days=90), DAY + timedelta(days=200)
    for run, kept in ((near, {}), (near + timedelta(days=1), {}), (far, settings), (far + timedelta(days=1), settings)):
        ledger = running(run)
        ledger.stage_begins("net_demand", "print", [])
        ledger.stage_publishes("net_demand", Built(notes={"settings": kept}))
        ledger.stage_ends("net_demand", "succeeded")
    assert later_dates(clients, DAY) == [near, far]
    clients.postgres.rows("delete from ops.stages where run_id = any(%s)", ([ledger.run_id for ledger in running.begun],))


def test_while_a_date_is_cleaned_no_run_of_it_begins(clients, left, running, monkeypatch):
    def delete(path):
        with pytest.raises(TryAgain, match="another run"):
            running(DAY)
        seen.append(path)

    seen = []
    monkeypatch.setattr(clients.hdfs, "delete", delete)
    remove_old(clients, LONG_AGO)
    assert seen == [left]


def test_what_the_next_start_would_publish_stays(clients, left, running):
    """A run that was killed in the middle of its flip is completed by the next start, however late."""
    ledger = running(DAY)
    ledger.stage_begins("stage_master", "print", [])
    ledger.stage_publishes("stage_master", Namespace(tables={TABLE: left}, rows={}, notes={}))
    ledger.close()
    assert remove_old(clients, LONG_AGO).removed == 0
    assert clients.hdfs.exists(left)
    ledger.lock(0)
    ledger.stage_ends("stage_master", "abandoned")
