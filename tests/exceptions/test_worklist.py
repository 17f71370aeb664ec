"""The list to work through, over two nights that really ran: what is new, what stays, what is gone, and a replay."""

import io
import json
import time
from argparse import Namespace
from datetime import date

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from common.contracts import contract
from common.exceptions.worklist import TABLE, gone, last_night, standing, tally
from common.migrate import migrate
from common.publish.delta_tables import arrow_schema, ensure_delta_table
from common.publish.engine import run_stages
from common.publish.flip import RUN_ID
from common.publish.run import Clients, Run, table_root
from common.stages import stage

FIRST, SECOND = date(1999, 3, 5), date(1999, 3, 8)  # a weekend lies between them, on which nobody planned
READ = ("pos_order_lines", "warehouse_stock", "stores", "warehouses", "suppliers")


@pytest.fixture(scope="module")
def nights(settings):
    """Runs the stage for the first date, with needs of SKUs that nobody delivers, then for the second."""
    clients = Clients(settings)
    migrate(clients.postgres)
    ensure_delta_table(Run(clients, FIRST, 0, Namespace()), contract("audit.rejected_rows"))
    plan_night(clients, FIRST, {"A": 5, "B": 40})
    plan_night(clients, SECOND, {"B": 40, "C": 7})
    yield clients
    for day in (FIRST, SECOND):
        clients.metastore.drop_partition(TABLE, day)
    clients.stop()


def plan_night(clients, day, needs):
    for name in READ:
        publish(clients, day, f"staging.{name}", [])
    publish(clients, day, "planning.net_demand", [
        {"sku": sku, "is_planned": True, "has_rule": True, "net_demand_qty": need, "order_line_count": 0, "stock_row_count": 1}
        for sku, need in needs.items()
    ])  # fmt: skip
    publish(clients, day, "planning.order_decisions", [
        {
            "sku": sku, "outcome": "no_supplier", "product_status": "active", "is_planned": True, "net_demand_qty": need,
            "no_supplier_reason": "not_mapped",
        }
        for sku, need in needs.items()
    ])  # fmt: skip
    run_stages(clients, [stage("exceptions")], day, Namespace(quiet=True, force=True), command="exceptions")


def publish(clients, day, table, rows):
    of = contract(table)
    out = io.BytesIO()
    schema = pa.schema([field.with_nullable(True) for field in arrow_schema(of) if field.name != of.partition])
    pq.write_table(pa.Table.from_pylist(rows, schema), out)
    location = f"{clients.settings['hdfs.warehouse']}/_tests/{table}/{day}/{time.time_ns()}"
    clients.hdfs.write(f"{location}/part-0.parquet", out.getvalue())
    clients.metastore.ensure_tables([(of, table_root(clients.settings, table))])
    clients.metastore.point(table, day, location, {RUN_ID: "1"})


def lines(rows):
    return [(r["sku"], r["state"], r["first_seen"], r["nights_open"]) for r in rows if r["code"] == "no_supplier"]


def test_a_first_night_is_all_new(nights):
    assert last_night(nights, FIRST).day is None
    found = lines(standing(nights.trino, FIRST))
    assert found == [("B", "new", FIRST, 1), ("A", "new", FIRST, 1)], "the larger need first"


def test_the_second_night_knows_the_first(nights):
    last = last_night(nights, SECOND)
    assert (last.day, last.is_replaced) == (FIRST, False)
    assert lines(standing(nights.trino, SECOND)) == [("B", "open", FIRST, 2), ("C", "new", SECOND, 1)]
    assert lines(gone(nights.trino, SECOND, last)) == [("A", "gone", FIRST, 1)]
    counts = tally(nights.trino, SECOND, last)
    assert (counts["new"], counts["gone"], counts["compared_with"]) == (1, 1, str(FIRST))


@pytest.mark.parametrize(
    ("options", "skus"),
    [
        ((), ["B", "C"]), (("--new",), ["C"]), (("--open",), ["B"]), (("--gone",), ["A"]), (("--sku", "C"), ["C"]),
        (("--severity", "notice"), []), (("--code", "overflow"), []), (("--supplier", "it's"), []),
        (("--code", "overflow", "--code", "no_supplier"), ["B", "C"]),
    ],
)  # fmt: skip
def test_the_command(nights, command, options, skus):
    done = command("worklist", SECOND, "--json", *options)
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    assert [row["sku"] for row in result["exceptions"] if row["code"] == "no_supplier"] == skus
    assert result["compared_with"] == str(FIRST)


def test_what_it_prints(nights, command):
    text = command("worklist", SECOND, "--code", "no_supplier").stdout
    assert f"since {FIRST}: 1 new" in text and "1 gone" in text
    assert "open 2 nights" in text and "SKU B: 40 needed, not ordered: no supplier is mapped" in text
    assert "the first 1; --limit 0 shows all" in command("worklist", SECOND, "--limit", "1").stdout


def test_what_can_not_be_meant_is_refused(nights, command):
    unknown = command("worklist", SECOND, "--code", "no_suplier")
    assert unknown.returncode == 64 and "no_supplier" in unknown.stderr
    assert command("worklist", "1999-03-06").returncode == 66
    assert command("worklist", SECOND, "--new", "--gone").returncode == 64


def test_a_replay_of_the_earlier_date_is_seen_and_does_not_look_ahead(nights):
    before = standing(nights.trino, FIRST)
    plan_night(nights, FIRST, {"A": 5, "B": 40})
    assert standing(nights.trino, FIRST) == before, "the later date changes nothing"
    assert last_night(nights, SECOND).is_replaced
    assert lines(standing(nights.trino, SECOND))[0] == ("B", "open", FIRST, 2), "published rows stay as they were"
    plan_night(nights, SECOND, {"B": 40, "C": 7})
    assert not last_night(nights, SECOND).is_replaced
    assert lines(standing(nights.trino, SECOND))[0] == ("B", "open", FIRST, 2)
