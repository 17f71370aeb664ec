"""Dates that depend on earlier ones: what was released and has not come counts, receipts are staged, replays are seen.

The receipts are those of the first night's real order files, with every way in which goods come.
"""

from __future__ import annotations

import json
from datetime import date

import pytest

from common.adhoc import render
from common.diff.parts import LATER_CODE
from tests.replay.nights import DIRTY, FIRST, SECOND, THIRD, lines_of, send

pytestmark = pytest.mark.master_data


def rows(clients, table, columns, day):
    return clients.trino.rows(f"select {columns} from hive.{table} where business_date = date '{day}' order by 1, 2")


def test_a_date_that_nothing_precedes_has_neither_receipts_nor_open_orders(nights, clients):
    assert "stage_receipts" in nights.first.stderr and "open_order_lines" not in nights.first.stderr
    for table in ("staging.receipts", "planning.open_orders"):
        assert clients.metastore.partition(table, date.fromisoformat(FIRST)) is None
    assert clients.metastore.partition("staging.receipts", date.fromisoformat(THIRD)) is None


def test_every_receipt_of_every_file_went_one_way(nights, clients):
    found = clients.postgres.rows(
        "select s.rows, s.notes -> 'files' from ops.stages s join ops.runs r using (run_id)"
        " where r.business_date = %s and s.stage = 'stage_receipts' and s.status = 'succeeded'",
        (SECOND,),
    )
    ((total, files),) = found
    assert total == {"read": 13, "accepted": 7, "rejected": 3, "set_aside": 1, "duplicates": 2}
    for name, counts in files.items():
        parts = (counts[outcome] for outcome in ("accepted", "rejected", "set_aside", "duplicates"))
        assert counts["read"] == sum(parts), name
    staged = rows(clients, "staging.receipts", "receipt_id, source_file", SECOND)
    assert [row[0] for row in staged] == [f"R{n}" for n in range(1, 8)]
    assert {row[1] for row in staged} == {"W1.jsonl"}
    run = clients.metastore.partition("staging.receipts", date.fromisoformat(SECOND)).parameters["procurement.run_id"]
    refused = clients.trino.rows(
        "select action, array_join(reasons, ' ') from delta.audit.rejected_rows"
        f" where run_id = {run} and table_name = 'staging.receipts' order by 2"
    )
    assert refused == [
        ("reject", "malformed_json"), ("set_aside", "order_number_unknown"), ("reject", "received_on_future"),
        ("reject", "sku_unknown"),
    ]  # fmt: skip
    listed = clients.trino.rows(render("rejected_rows", date.fromisoformat(SECOND), {}))
    assert sorted(row[1:4] for row in listed if row[0] == "staging.receipts") == sorted((*row, 1) for row in refused)


def test_a_planner_is_told_of_receipts_that_were_rejected(nights, clients):
    columns = "code, subject, observed_qty, expected_qty"
    told = [tuple(row) for row in rows(clients, "planning.exceptions", columns, SECOND)]
    assert ("rejected_rows", "staging.receipts", 3, 10) in told, "of 7 accepted; copies and set aside do not count"
    assert ("unknown_sku", "rejected rows, SKU NO-SUCH-SKU", 1, None) in told
    assert not [row for row in rows(clients, "planning.exceptions", columns, THIRD) if row[1] == "staging.receipts"]


def test_what_is_open_is_what_was_ordered_and_has_not_come(nights, clients):
    columns = "order_number, sku, released_qty, received_qty, open_qty, closed_reason"
    found = rows(clients, "planning.open_orders", columns, SECOND)
    assert {(number, sku) for number, sku, *_ in found} == set(nights.lines)
    keys = list(nights.received)
    closed = {keys[0]: "received", keys[2]: "final", keys[3]: "received", keys[4]: "final"}
    for number, sku, released, received, still_open, reason in found:
        key = (number, sku)
        assert released == nights.lines[key]
        assert received == nights.received.get(key, 0)
        assert reason == closed.get(key)
        assert still_open == (0 if reason else released - received)


def test_the_third_date_counts_on_both_releases_and_on_the_receipts_of_the_second(nights, clients, settings):
    found = rows(clients, "planning.open_orders", "order_number, sku, open_qty", THIRD)
    assert {(number, sku) for number, sku, _ in found} == set(nights.lines) | set(lines_of(settings, SECOND))
    inputs = clients.postgres.rows(
        "select s.inputs from ops.stages s join ops.runs r using (run_id) where r.business_date = %s and s.stage = 'net_demand'"
        " and s.status = 'succeeded' order by s.run_id desc limit 1",
        (THIRD,),
    )[0][0]
    names = {item["name"] for item in inputs}
    earlier = {f"audit.released_orders/{FIRST}", f"audit.released_orders/{SECOND}", f"staging.receipts/{SECOND}"}
    assert earlier <= names
    assert f"audit.released_orders/{THIRD}" not in names


def test_what_differs_between_two_dates_ends_where_the_later_one_is(dirty, nights, submit):
    """The last input swapped gives the very plan of the other date: nothing remains to be explained."""
    told = submit("diff", DIRTY, FIRST, "--json", "--quiet")
    assert told.returncode == 0, told.stderr
    found = json.loads(told.stdout)
    assert (found["old"]["business_date"], found["new"]["business_date"]) == (DIRTY, FIRST)
    parts = {part["input"]: part for part in found["parts"]}
    assert LATER_CODE not in parts and parts["demand"]["units"] and parts["master data"]["lines"]
    assert sum(line["units"] for line in found["lines"]) == sum(part["units"] for part in parts.values()) != 0


def later_stale(submit, day):
    """Dates and stages after `day` that `status` calls stale."""
    told = submit("status", day, "--json")
    assert told.returncode == 0, told.stderr
    return {text.split(" in ")[0].split(" was ")[0] for text in json.loads(told.stdout)["stale_later"]}


def test_an_earlier_date_that_ran_again_makes_the_later_ones_stale_until_backfill_takes_them(nights, submit, settings, clients):
    # a plan of an option that looks at the days before
    assert submit("purchase_orders", THIRD, "--set", "planning.hold_on_spike=true").returncode == 0
    assert later_stale(submit, FIRST) == {f"exceptions of {THIRD}"}, "they list the plan before"
    sku = list(nights.lines)[6][1]
    line = {"line_no": 1, "sku": sku, "quantity": 5000, "unit_price": "1.00"}
    late = {"order_id": "LATE-1", "store_id": "G0001", "ordered_at": f"{FIRST}T12:00:00", "lines": [line]}
    send(settings, FIRST, "late.jsonl", json.dumps(late) + "\n", kind="orders")
    refused = submit("all", FIRST)
    assert (refused.returncode, "--revise" in refused.stderr) == (77, True), refused.stderr
    again = submit("all", FIRST, "--revise")
    assert again.returncode == 0, again.stderr
    released = lines_of(settings, FIRST)
    assert released != nights.lines
    stale = later_stale(submit, FIRST)
    assert {f"net_demand of {SECOND}", f"net_demand of {THIRD}", f"purchase_orders of {THIRD}"} <= stale
    command = f"./submit.sh backfill {SECOND}..{THIRD}"
    assert f"note: later dates are stale now, 2 from {SECOND} to {THIRD}: {command}" in again.stderr
    assert command in submit("status", FIRST).stdout
    taken = submit("backfill", f"{SECOND}..{THIRD}")
    assert taken.returncode == 0, taken.stderr
    assert "stale" not in taken.stderr
    assert later_stale(submit, FIRST) == set()
    found = rows(clients, "planning.open_orders", "order_number, sku, released_qty", SECOND)
    assert {(number, sku): units for number, sku, units in found} == released
