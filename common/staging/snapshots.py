"""Stock snapshots as wholes: every warehouse sends one, and it is not suddenly much shorter."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from datetime import date
from functools import cache

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from common.clients.hdfs import Hdfs
from common.dates import window_before
from common.errors import BadData
from common.publish.run import Run, inputs_at
from common.stages import Input
from common.staging.counts import Counts

TABLE = "staging.warehouse_stock"
_LOOK_BACK_DAYS = 28  # an older snapshot says nothing about today's


def check_doubled(counts: Mapping[str, Counts]) -> None:
    """BadData when two files hold different snapshots of one warehouse; of identical ones the first was kept."""
    first: dict[str, tuple[str, tuple[int, int]]] = {}
    for file, c in sorted(counts.items()):
        for warehouse, content in c.snapshots.items():
            other, same = first.setdefault(warehouse, (file, content))
            if content != same:
                raise BadData(
                    f"warehouse {warehouse} sent two different snapshots: {other} and {file}",
                    where=f"{other}, {file}",
                    next=f"find out which one is right, remove the other ({file}, say) from the inbox, then "
                    f"./submit.sh ingest DATE --kind stock --withdraw {file}",
                )


def rows_a_warehouse(counts: Mapping[str, Counts]) -> dict[str, int]:
    """Rows that are kept of each warehouse's snapshot: one that is sent twice, in one file or in two, makes it no longer."""
    return dict(sum((c.kept for c in counts.values()), Counter()))


def faults(expected: list[str], rows: Mapping[str, int], previous: Mapping[str, int], percent: int) -> list[str]:
    """What is wrong with the day's snapshots: a warehouse without one, or with `percent` % fewer rows than its last."""
    found = [f"warehouse {w} sent no snapshot" for w in expected if not rows.get(w)]
    for warehouse, before in sorted(previous.items()):
        now = rows.get(warehouse, 0)
        if now and (before - now) * 100 >= percent * before:
            found.append(f"warehouse {warehouse} sent {now:,} rows, {before:,} the last time")
    return found


def active(hdfs: Hdfs, location: str) -> list[str]:
    """The warehouses that must send a snapshot: the active ones of the staged table."""
    found: list[str] = []
    for file in hdfs.list(location):
        table = pq.read_table(pa.BufferReader(hdfs.read(file.path)), columns=["warehouse_id", "is_active"])
        found += table.filter(table["is_active"])["warehouse_id"].to_pylist()
    return sorted(found)


def previous_rows(run: Run, warehouses: list[str]) -> dict[str, int]:
    """Rows of each warehouse's latest published snapshot before the run's date."""
    found: dict[str, int] = {}
    for item in latest(run, warehouses, window_before(run.day, _LOOK_BACK_DAYS)):
        found = {**_rows_in(run.hdfs, item.location), **found}
    return {w: found[w] for w in warehouses if w in found}


def latest(run: Run, warehouses: Collection[str], days: Iterable[date]) -> list[Input]:
    """The published snapshots of some dates that have the latest one of each of these warehouses: newest first, without a gap."""
    missing, needed = set(warehouses), []
    for item in reversed(inputs_at(run.metastore, TABLE, days)):
        if not missing:
            break
        missing -= _rows_in(run.hdfs, item.location).keys()
        needed.append(item)
    return needed


@cache
def _rows_in(hdfs: Hdfs, location: str) -> Counter[str]:
    rows: Counter[str] = Counter()
    for entry in hdfs.list(location):
        with hdfs.open(entry.path) as file:
            table = pq.read_table(file, columns=["warehouse_id"])
        for found in pc.value_counts(table["warehouse_id"]).to_pylist():
            rows[found["values"]] += found["counts"]
    return rows
