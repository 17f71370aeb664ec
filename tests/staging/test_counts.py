"""Limits of rejected rows, conservation, and snapshots as wholes."""

from __future__ import annotations

import pytest

from common.errors import BadData
from common.staging.counts import Counts, check_conservation, check_limits, merged
from common.staging.feeds import ORDERS, STOCK
from common.staging.snapshots import check_doubled, faults, rows_a_warehouse
from tests.staging.memory import stock


def file(accepted, rejected=0, set_aside=0):
    return Counts(read=accepted + rejected + set_aside, accepted=accepted, rejected=rejected, set_aside=set_aside)


@pytest.mark.parametrize(
    ("files", "stops"),
    [
        ({"a": file(100)}, None),
        ({"a": file(1000, 50)}, None),
        ({"a": file(949, 51)}, "day limit"),
        ({"a": file(10, 10), "b": file(10_000)}, None),  # too few to judge a file by
        ({"a": file(20, 21), "b": file(10_000)}, "file limit"),
        ({"a": file(0, 2), "b": file(10_000)}, None),
        ({"a": file(0, 3), "b": file(10_000)}, "file limit"),  # a file that is wholly bad
        ({"a": file(100, 0, 400)}, None),  # returns are outside the limits
        ({"a": file(0, 0, 400)}, None),
        ({"a": file(0)}, None),
    ],
)
def test_limits(files, stops):
    if stops is None:
        check_limits(ORDERS.table, files, ORDERS.limits, "2017-12-23")
    else:
        with pytest.raises(BadData, match=stops):
            check_limits(ORDERS.table, files, ORDERS.limits, "2017-12-23")


def test_the_message_names_file_and_reasons():
    counts = file(20, 30)
    counts.reasons["sku_unknown"] = 30
    with pytest.raises(BadData, match=r"30 of 50 rows of bad\.csv .*30 sku_unknown"):
        check_limits(STOCK.table, {"bad.csv": counts}, STOCK.limits, "2017-12-23")


@pytest.mark.parametrize("name", ["read", "accepted", "rejected", "set_aside", "duplicates", "lines", "judged"])
def test_a_lost_row_is_a_bug(name):
    counts = Counts(read=10, accepted=4, rejected=3, set_aside=2, duplicates=1, lines=6, proven=3, judged=2, blank=1)
    check_conservation({"a": counts})
    setattr(counts, name, getattr(counts, name) + 1)
    with pytest.raises(AssertionError):
        check_conservation({"a": counts})


def test_parts_add_up():
    total = merged([{"a": file(3, 1)}, {"a": file(2), "b": file(1)}])
    assert (total["a"].read, total["a"].accepted, total["b"].read) == (6, 5, 1)


HEADER = "snapshot_date,warehouse_id,sku,available,reserved,safety_stock\n"


def snapshot(rows):
    return (HEADER + "".join(f"2017-12-23,{row}\n" for row in rows)).encode()


def test_two_identical_snapshots_in_any_order_keep_one():
    rows = [f"W1,SKU-{n:04d},{n},0," for n in range(1, 50)]
    result = stock({"a.csv": snapshot(rows), "b.csv": snapshot(reversed(rows))})
    check_doubled(result.counts)
    assert rows_a_warehouse(result.counts) == {"W1": 49}
    assert {r[5] for r in result.accepted} == {"a.csv"}
    assert (len(result.accepted), result.counts["b.csv"].duplicates) == (49, 49)


def test_a_short_snapshot_is_short_however_often_its_rows_are_sent():
    rows = [f"W1,SKU-{n:04d},{n},0," for n in range(1, 51)]
    result = stock({"a.csv": snapshot([*rows, *rows])})
    assert rows_a_warehouse(result.counts) == {"W1": 50}
    differing = stock({"a.csv": snapshot([*rows, *(row.replace(",0,", ",1,") for row in rows[:10])])})
    assert rows_a_warehouse(differing.counts) == {"W1": 40}


@pytest.mark.parametrize("other", [["W1,SKU-0001,6,0,"], ["W1,SKU-0001,5,0,", "W1,SKU-0002,1,0,"], ["W1,SKU-0002,5,0,"]])
def test_two_different_snapshots_stop(other):
    result = stock({"a.csv": snapshot(["W1,SKU-0001,5,0,"]), "b.csv": snapshot(other)})
    with pytest.raises(BadData, match=r"warehouse W1 sent two different snapshots: a\.csv and b\.csv"):
        check_doubled(result.counts)


def test_two_warehouses_in_two_files_are_fine():
    result = stock({"a.csv": snapshot(["W1,SKU-0001,5,0,"]), "b.csv": snapshot(["W2,SKU-0001,6,0,"])})
    check_doubled(result.counts)
    assert rows_a_warehouse(result.counts) == {"W1": 1, "W2": 1}


@pytest.mark.parametrize(
    ("rows", "previous", "wrong"),
    [
        ({"W1": 100, "W2": 5}, {}, []),
        ({"W1": 100}, {}, ["W2 sent no snapshot"]),
        ({"W1": 81, "W2": 5}, {"W1": 100, "W2": 5}, []),
        ({"W1": 80, "W2": 5}, {"W1": 100, "W2": 5}, ["W1 sent 80 rows, 100 the last time"]),
        ({"W1": 200, "W2": 5}, {"W1": 100, "W2": 5}, []),
        ({"W2": 3}, {"W1": 100, "W2": 5}, ["W1 sent no snapshot", "W2 sent 3 rows, 5 the last time"]),
    ],
)
def test_missing_and_short_snapshots(rows, previous, wrong):
    found = faults(["W1", "W2"], rows, previous, 20)
    assert [text.removeprefix("warehouse ") for text in found] == wrong
