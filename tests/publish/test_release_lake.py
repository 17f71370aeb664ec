"""Export and release on the real lake: plans published in the metastore, files linked, releases recorded in Delta once."""

import io
import itertools
import os
import signal
import subprocess
import sys
import time
from argparse import Namespace
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from common.contracts import contract
from common.errors import BadData, NotAllowed, TryAgain
from common.migrate import migrate
from common.publish import export, export_stage
from common.publish.delta_tables import arrow_schema
from common.publish.engine import run_stages
from common.publish.export_stage import EXCEPTIONS, LINES
from common.publish.ledger import unlock
from common.publish.run import Clients, table_root
from common.settings import ROOT
from common.stages import stage

STAGE = stage("export_orders")
_numbers = itertools.count()
_START = int(time.time()) % 2_000_000


@pytest.fixture(scope="module")
def clients(settings):
    made = Clients(settings)
    migrate(made.postgres)
    yield made
    made.stop()


@pytest.fixture
def day(worker_id):
    """A business date that no other test uses, and that no earlier session on a lake that is kept has released."""
    worker = 0 if worker_id == "master" else 1 + int(worker_id.removeprefix("gw"))
    return date(2100, 1, 1) + timedelta(days=(_START + 100 * worker + next(_numbers)) % 300_000)  # a business date ends with 2999


@pytest.fixture
def plan(clients, day):
    """Publishes a plan of the day: packs of 12 by supplier and SKU."""

    def publish(packs):
        number = {}
        lines = []
        for (supplier_id, sku), count in sorted(packs.items()):
            number[supplier_id] = number.get(supplier_id, 0) + 1
            lines.append(
                {
                    "order_number": f"{day:%Y%m%d}-{supplier_id}", "line_no": number[supplier_id],
                    "supplier_id": supplier_id, "supplier_name": "Bauer & Söhne", "sku": sku, "product_name": "Milk",
                    "net_demand_qty": 1, "order_qty": 12 * count, "packs": count, "pack_size": 12, "bound_by": "need",
                    "unit_cost": Decimal("2.31"), "line_cost": Decimal(231 * 12 * count).scaleb(-2), "currency": "USD",
                    "lead_time_days": 2, "due_date": day + timedelta(days=2),
                }
            )  # fmt: skip
        publish_table(clients, day, LINES, lines)
        publish_table(clients, day, EXCEPTIONS, [{"code": "demand_spike", "severity": "warning", "subject": "SKU 1"}])

    return publish


def publish_table(clients, day, table, rows):
    of = contract(table)
    schema = pa.schema([field.with_nullable(True) for field in arrow_schema(of) if field.name != of.partition])
    required = {c.name: "" for c in of.columns if not c.nullable and c.type == "varchar"}
    out = io.BytesIO()
    pq.write_table(pa.Table.from_pylist([required | row for row in rows], schema), out)
    # not among the run directories: reconciliation would remove there what no run has published
    location = f"{clients.settings['hdfs.warehouse']}/_tests/{table}/{day}/{time.time_ns()}"
    clients.hdfs.write(f"{location}/part-0.parquet", out.getvalue())
    clients.metastore.ensure_tables([(of, table_root(clients.settings, table))])
    clients.metastore.point(table, day, location, {})


def run(clients, day, **options):
    return run_stages(clients, [STAGE], day, Namespace(quiet=True, **options), command="export_orders")[0]


def files(clients, day):
    """The published files, without the manifest and the report."""
    folder = export.orders_root(clients.settings) / str(day)
    return {f.name: f.read_bytes() for f in folder.iterdir() if f.name not in (export.MANIFEST, export.REPORT)}


def linked(clients, day):
    return os.readlink(export.orders_root(clients.settings) / str(day))


def record(clients, day):
    return clients.trino.rows(
        "select supplier_id, revision, status, sku, order_qty from delta.audit.released_orders"
        f" where business_date = date '{day}' order by 1, 2, 4"
    )


def test_a_first_export_is_released_and_a_replay_changes_nothing(clients, day, plan):
    plan({("S1", "1"): 5, ("S1", "2"): 1, ("S2", "3"): 2})
    done = run(clients, day)
    assert done.rows == {"orders": 2, "order_lines": 3, "exceptions": 1, "new": 2}
    assert done.notes["cost"] == {"USD": "221.76"} and done.notes["order_qty"] == 96
    first, place = files(clients, day), linked(clients, day)
    assert sorted(first) == ["S1.json", "S2.json", "exceptions.csv", "exceptions.json"]
    released = [("S1", 1, "new", "1", 60), ("S1", 1, "new", "2", 12), ("S2", 1, "new", "3", 24)]
    assert record(clients, day) == released
    assert run(clients, day).state == "current"
    assert run(clients, day, force=True).rows == {"orders": 2, "order_lines": 3, "exceptions": 1, "unchanged": 2}
    assert (files(clients, day), linked(clients, day), record(clients, day)) == (first, place, released)


def test_the_report_appears_with_the_files_and_stays_with_them(clients, day, plan):
    plan({("S1", "1"): 5})
    notes = run(clients, day).notes
    root = export.orders_root(clients.settings)
    page = (root / str(day) / export.REPORT).read_bytes()
    assert f"Supplier orders of {day}".encode() in page and "report" not in notes
    assert f'href="{day}/report.html"' in (root / "index.html").read_text(encoding="utf-8")
    assert run(clients, day, force=True).rows["unchanged"] == 1
    assert (root / str(day) / export.REPORT).read_bytes() == page
    (root / str(day) / export.REPORT).write_text("altered")
    assert run(clients, day).state == "current", "the report is none of the files"


def test_a_plan_that_differs_needs_revise(clients, day, plan):
    plan({("S1", "1"): 5, ("S2", "3"): 2, ("S3", "4"): 1})
    run(clients, day)
    first = files(clients, day)
    plan({("S1", "1"): 6, ("S2", "3"): 2, ("S4", "5"): 1})
    with pytest.raises(NotAllowed, match="S1: SKU 1 60 -> 72"):
        run(clients, day)
    assert files(clients, day) == first and len(record(clients, day)) == 3
    done = run(clients, day, revise=True)
    assert done.rows == {"orders": 3, "order_lines": 3, "exceptions": 1, "new": 1, "changed": 1, "unchanged": 1, "cancelled": 1}
    second = files(clients, day)
    assert sorted(second) == ["S1.json", "S2.json", "S4.json", "exceptions.csv", "exceptions.json"]
    assert second["S2.json"] == first["S2.json"] and b'"revision": 2' in second["S1.json"]
    assert record(clients, day) == [
        ("S1", 1, "new", "1", 60), ("S1", 2, "changed", "1", 72), ("S2", 1, "new", "3", 24),
        ("S3", 1, "new", "4", 12), ("S3", 2, "cancelled", "4", 0), ("S4", 1, "new", "5", 12),
    ]  # fmt: skip
    assert run(clients, day, force=True).state == "built" and len(record(clients, day)) == 6


def test_files_that_were_altered_or_removed_are_restored(clients, day, plan):
    plan({("S1", "1"): 5})
    run(clients, day)
    wanted = files(clients, day)
    folder = export.orders_root(clients.settings) / str(day)
    (folder / "S1.json").write_bytes(b"{}")
    assert run(clients, day).state == "built"
    assert files(clients, day) == wanted and len(record(clients, day)) == 1
    folder.unlink()
    assert run(clients, day).state == "built"
    assert files(clients, day) == wanted and len(record(clients, day)) == 1


def test_a_day_without_orders_has_lists_only(clients, day, plan):
    plan({})
    assert run(clients, day).rows == {"orders": 0, "order_lines": 0, "exceptions": 1}
    assert sorted(files(clients, day)) == ["exceptions.csv", "exceptions.json"] and record(clients, day) == []


def test_a_plan_that_does_not_add_up_leaves_what_is_published(clients, day, plan):
    plan({("S1", "1"): 5})
    run(clients, day)
    before = files(clients, day)
    plan({("S1", "1"): 5, ("s1", "2"): 5})
    with pytest.raises(BadData, match="would share one file"):
        run(clients, day, revise=True)
    assert files(clients, day) == before


def test_a_run_that_lost_its_lock_does_not_publish(clients, day, plan):
    plan({("S1", "1"): 5})

    def build(run, inputs):
        built = STAGE.build(run, inputs)
        unlock(clients.postgres, day)
        return built

    with pytest.raises(TryAgain, match="right to publish"):
        run_stages(clients, [replace(STAGE, build=build)], day, Namespace(quiet=True), command="export_orders")
    assert not (export.orders_root(clients.settings) / str(day)).exists() and record(clients, day) == []
    assert run(clients, day).run_id
    assert len(os.listdir(export.orders_root(clients.settings) / ".runs" / str(day))) == 1, "the leftover was swept"


@pytest.mark.parametrize("point", ["export_before_link", "export_after_link", "flipped_before_ledger"])
def test_killed_around_the_link_and_run_again(clients, day, plan, tmp_path, point):
    plan({("S1", "1"): 5, ("S2", "3"): 2})
    command = [sys.executable, str(ROOT / "jobs" / "export_orders.py"), str(day), "--quiet"]
    reached = tmp_path / "reached"
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    drill = environment | {"PROCUREMENT_BARRIER": point, "PROCUREMENT_BARRIER_FILE": str(reached)}
    with open(tmp_path / "output", "wb") as output:
        process = subprocess.Popen(command, env=drill, stdout=output, stderr=output, start_new_session=True)
        try:
            deadline = time.monotonic() + 120
            while not reached.exists():
                assert process.poll() is None and time.monotonic() < deadline, (tmp_path / "output").read_text()
                time.sleep(0.05)
        finally:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
    visible = (export.orders_root(clients.settings) / str(day)).exists()
    assert visible is (point != "export_before_link")
    at_kill = files(clients, day) if visible else None
    again = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert again.returncode == 0, again.stderr
    after = files(clients, day)
    assert at_kill in (None, after)
    assert record(clients, day) == [("S1", 1, "new", "1", 60), ("S2", 1, "new", "3", 24)]
    assert len(os.listdir(export.orders_root(clients.settings) / ".runs" / str(day))) == 1
    run(clients, day)
    assert (files(clients, day), len(record(clients, day))) == (after, 2)


def test_a_paused_run_that_wakes_after_another_did_its_work_records_nothing_twice(clients, day, plan):
    plan({("S1", "1"): 5})
    late = []

    def build(run, inputs):
        built = STAGE.build(run, inputs)
        late.append(built.publish)
        return built

    run_stages(clients, [replace(STAGE, build=build)], day, Namespace(quiet=True), command="export_orders")
    once = record(clients, day)
    late[0](lambda: None)
    assert record(clients, day) == once == [("S1", 1, "new", "1", 60)]


def test_a_run_that_was_unlocked_before_its_link_neither_links_nor_records(clients, day, plan, monkeypatch):
    """While it waits another run does the date, and has swept the directory that the first one would link to."""
    plan({("S1", "1"): 5})
    others = []

    def wait(name):
        if name == "export_before_link" and not others:
            others.append(unlock(clients.postgres, day))
            others.append(run(clients, day))

    monkeypatch.setattr(export_stage, "barrier", wait)
    with pytest.raises(TryAgain, match="right to publish"):
        run(clients, day)
    assert linked(clients, day) == f".runs/{day}/{others[1].run_id}" and "S1.json" in files(clients, day)
    assert record(clients, day) == [("S1", 1, "new", "1", 60)]
