"""The engine on the real lake: publication is all or nothing, a crash is reconciled, one run a date, nothing is done twice."""

import io
import itertools
from argparse import Namespace
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from urllib.parse import urlsplit

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from common.clients.postgres import Postgres
from common.errors import BadData, CannotWrite, TryAgain
from common.publish.engine import run_stages
from common.publish.ledger import Ledger, locked_dates, unlock
from common.publish.reconcile import reconcile
from common.publish.run import Clients, Run, runs_root
from common.stages import Built, Input, Stage

TABLE = "staging.stores"
_days = itertools.count()


@pytest.fixture
def clients(settings):
    made = Clients(settings)
    from common.migrate import migrate

    migrate(made.postgres)
    return made


@pytest.fixture
def day(worker_id):
    """A business date that no other test uses."""
    offset = 0 if worker_id == "master" else 1000 * (1 + int(worker_id.removeprefix("gw")))
    return date(1950, 1, 1) + timedelta(days=offset + next(_days))


def parquet(names):
    columns = {"store_id": names, "name": names, "is_active": [True] * len(names)}
    schema = pa.schema([("store_id", pa.string()), ("name", pa.string()), ("is_active", pa.bool_())])
    out = io.BytesIO()
    pq.write_table(pa.table(columns, schema=schema), out)
    return out.getvalue()


def stores_stage(names, *, inputs=lambda run: [Input("raw/toy", "/toy", "1")], during=None):
    """A stage that publishes the given stores."""

    def build(run, _inputs):
        location = run.private_dir(TABLE)
        run.hdfs.write(f"{location}/part-0.parquet", parquet(names))
        if during:
            during(run)
        return Built({TABLE: location}, {"rows": len(names)})

    return Stage("stage_master", inputs, build, (TABLE,))


def published(clients, day):
    rows = clients.trino.rows(f"select store_id from hive.{TABLE} where business_date = date '{day}' order by 1")
    return [name for (name,) in rows]


def execute(clients, stage, day, **options):
    return run_stages(clients, [stage], day, Namespace(quiet=True, **options), command="test")


def test_a_date_is_published_replaced_and_left_alone_when_nothing_changed(clients, day):
    assert execute(clients, stores_stage(["A", "B"]), day)[0].state == "built"
    assert published(clients, day) == ["A", "B"]
    assert execute(clients, stores_stage(["C"]), day)[0].state == "current"
    assert published(clients, day) == ["A", "B"]
    assert execute(clients, stores_stage(["C"]), day, force=True)[0].state == "built"
    assert published(clients, day) == ["C"]
    assert execute(clients, stores_stage([], inputs=lambda run: [Input("raw/toy", "/toy", "2")]), day)[0].state == "built"
    assert published(clients, day) == []


def test_inputs_replaced_while_reading_are_noticed_and_nothing_is_published(clients, day):
    execute(clients, stores_stage(["A"]), day)
    prints = iter(["1", "2"])
    moving = stores_stage(["B"], inputs=lambda run: [Input("raw/toy", "/toy", next(prints))])
    with pytest.raises(TryAgain, match="was replaced"):
        execute(clients, moving, day, force=True)
    assert published(clients, day) == ["A"]
    last = clients.postgres.rows("select status, exit_code from ops.runs where business_date = %s order by run_id", (day,))[-1]
    assert last == ("failed", 75)


def test_a_second_run_of_the_date_is_told_who_runs(clients, day):
    def second(_run):
        with pytest.raises(TryAgain, match="under way") as caught:
            execute(clients, stores_stage(["B"]), day)
        assert "process" in caught.value.where and f"unlock {day}" in caught.value.next

    execute(clients, stores_stage(["A"], during=second), day)
    assert published(clients, day) == ["A"]


def test_a_date_is_free_as_soon_as_its_run_has_ended(clients, day):
    for _ in range(300):
        ledger = Ledger(clients.postgres, day)
        ledger.lock(0)
        ledger.close()


def test_another_date_is_not_locked(clients, day):
    other = day + timedelta(days=500)
    execute(clients, stores_stage(["A"], during=lambda run: execute(clients, stores_stage(["B"]), other)), day)
    assert (published(clients, day), published(clients, other)) == (["A"], ["B"])


def test_a_lock_of_another_database_of_the_server_is_none_of_ours(clients, day):
    url = urlsplit(clients.settings.service("DATABASE_URL"))._replace(path="/postgres").geturl()
    other = Ledger(Postgres(url), day)
    other.lock(0)
    assert day not in locked_dates(clients.postgres) and unlock(clients.postgres, day) == 0
    other.require_lock()
    other.close()


def test_a_run_whose_session_was_ended_can_not_publish(clients, day):
    execute(clients, stores_stage(["A"]), day)
    taken = stores_stage(["B"], during=lambda run: unlock(clients.postgres, day))
    with pytest.raises(TryAgain, match="right to publish"):
        execute(clients, taken, day, force=True)
    assert published(clients, day) == ["A"]
    assert execute(clients, stores_stage(["C"]), day, force=True)[0].state == "built"
    statuses = clients.postgres.rows("select status from ops.runs where business_date = %s order by run_id", (day,))
    assert [s for (s,) in statuses] == ["succeeded", "abandoned", "succeeded"]


def test_a_run_that_has_no_room_gives_back_at_once_what_it_took(clients, day):
    def fill(_run):
        raise CannotWrite("no room")

    execute(clients, stores_stage(["A"]), day)
    before = clients.hdfs.list(runs_root(clients.settings, TABLE, day))
    with pytest.raises(CannotWrite, match="no room"):
        execute(clients, stores_stage(["B"], during=fill), day, force=True)
    assert clients.hdfs.list(runs_root(clients.settings, TABLE, day)) == before
    assert published(clients, day) == ["A"]


@pytest.mark.parametrize("flipped", [True, False])
def test_a_crash_around_the_flip_is_rolled_forward_or_swept(clients, day, flipped):
    execute(clients, stores_stage(["A"]), day)
    ledger = Ledger(clients.postgres, day)
    ledger.lock(0)
    crashed = Run(clients, day, ledger.begin("test", {}, "code", "settings"), Namespace(quiet=True))
    location = crashed.private_dir(TABLE)
    crashed.hdfs.write(f"{location}/part-0.parquet", parquet(["B"]))
    ledger.stage_begins("stage_master", "print", [])
    ledger.stage_publishes("stage_master", Built({TABLE: location}))
    if flipped:
        crashed.metastore.point(TABLE, day, location, {})
    ledger.close()  # the crash

    ledger = Ledger(clients.postgres, day)
    ledger.lock(0)
    run = Run(clients, day, ledger.begin("test", {}, "code", "settings"), Namespace(quiet=True))
    reconcile(run, ledger)
    status = clients.postgres.rows("select status from ops.stages where run_id = %s", (crashed.run_id,))
    ledger.end("succeeded", 0)
    ledger.close()
    assert status == [("succeeded" if flipped else "abandoned",)]
    assert published(clients, day) == (["B"] if flipped else ["A"])
    left = {e.path for e in run.hdfs.list(runs_root(clients.settings, TABLE, day))}
    assert (location in left) is flipped


def test_a_failure_after_the_first_flip_is_rolled_forward_and_never_swept(clients, day):
    """Such as a metastore that goes away, or a SIGTERM, between the flips of a group: what readers see must stay there."""
    execute(clients, stores_stage(["A"]), day)
    half = stores_stage(["B"])

    def build(run, inputs):
        built = half.build(run, inputs)
        built.publish = lambda may_publish: (_ for _ in ()).throw(TryAgain("the metastore went away"))
        return built

    with pytest.raises(TryAgain, match="went away"):
        execute(clients, Stage("stage_master", half.reads, build, (TABLE,)), day, force=True)
    assert published(clients, day) == ["B"]
    failed = clients.postgres.rows("select max(run_id) from ops.runs where business_date = %s", (day,))[0][0]
    execute(clients, stores_stage(["C"]), day)  # current: it only reconciles
    assert published(clients, day) == ["B"]
    status = clients.postgres.rows("select status from ops.stages where run_id = %s", (failed,))
    assert status == [("succeeded",)]


def test_a_run_whose_number_was_given_before_takes_another(clients, day):
    """The ledger was restored from a backup of before the run that published: it counts that one's number again."""
    execute(clients, stores_stage(["A"]), day)
    unknown = 1000 + clients.postgres.rows("select max(run_id) from ops.runs")[0][0]
    location = f"{runs_root(clients.settings, TABLE, day)}/{unknown}-1"
    clients.hdfs.write(f"{location}/part-0.parquet", parquet(["B"]))
    clients.metastore.point(TABLE, day, location, {})
    (done,) = execute(clients, stores_stage(["C"]), day, force=True)
    assert done.run_id > unknown and published(clients, day) == ["C"]
    assert [e.name for e in clients.hdfs.list(location)] == ["part-0.parquet"]
    rows = clients.postgres.rows("select r.run_id, r.status, s.status from ops.runs r join ops.stages s using (run_id)"
                                 " where r.run_id >= %s and r.business_date = %s", (unknown, day))
    assert rows == [(done.run_id, "succeeded", "succeeded")]


def test_a_private_directory_is_never_one_that_is_there(clients, day):
    run = Run(clients, day, 7, Namespace(quiet=True))
    clients.hdfs.mkdirs(f"{runs_root(clients.settings, TABLE, day)}/7-1")
    assert run.private_dir(TABLE).endswith("/7-2") and run.private_dir(TABLE).endswith("/7-3")


def test_what_readers_see_is_kept_even_where_the_ledger_knows_nothing_of_it(clients, day):
    execute(clients, stores_stage(["A"]), day)
    clients.postgres.rows("delete from ops.stages where run_id in (select run_id from ops.runs where business_date = %s)", (day,))
    other = stores_stage([], during=lambda run: (_ for _ in ()).throw(BadData("not good")))
    with pytest.raises(BadData):
        execute(clients, other, day, force=True)
    assert published(clients, day) == ["A"]


@pytest.mark.parametrize(("group", "left", "status"), [("", ["A"], "succeeded"), ("planning", [], "failed")])
def test_past_the_end_of_the_window_the_next_stage_does_not_start(clients, day, group, left, status):
    """What waits to be published together with it is not published either, and has failed."""
    first = replace(stores_stage(["A"]), group=group)
    second = Stage("stage_orders", lambda run: [], lambda run, inputs: pytest.fail("it was started"), group=group)
    ended = datetime.now(UTC) - timedelta(seconds=1)
    with pytest.raises(TryAgain, match="the next stage was not started"):
        run_stages(clients, [first, second], day, Namespace(quiet=True), command="all", window_end=ended)
    assert published(clients, day) == left
    rows = "select s.stage, s.status, r.exit_code from ops.stages s join ops.runs r using (run_id) where r.business_date = %s"
    assert clients.postgres.rows(rows, (day,)) == [("stage_master", status, 75)]


def test_a_build_that_fails_leaves_the_published_rows_and_no_directory(clients, day):
    execute(clients, stores_stage(["A"]), day)

    def bad(_run):
        raise BadData("not good")

    with pytest.raises(BadData):
        execute(clients, stores_stage(["B"], during=bad), day, force=True)
    assert published(clients, day) == ["A"]
    execute(clients, stores_stage(["A"]), day)
    assert len(Clients(clients.settings).hdfs.list(runs_root(clients.settings, TABLE, day))) == 1
