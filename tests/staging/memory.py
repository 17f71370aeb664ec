"""All three passes over files in memory: the very functions that Spark's tasks run, without Spark and HDFS."""

from __future__ import annotations

import io
from dataclasses import dataclass
from datetime import date
from functools import cache

import numpy as np
import pyarrow as pa

from common.staging import duplicates
from common.staging.counts import Counts, check_conservation, merged
from common.staging.days import business_day
from common.staging.feeds import ORDERS, RECEIPTS, STOCK
from common.staging.lines import blocks
from common.staging.two_tier import Known, Work, connect, stage

DAY = business_day(date(2017, 12, 23), "America/New_York", "24:00")
SKUS = [f"SKU-{n:04d}" for n in range(1, 200)] + ["Ünï-✓"]
STORES = [f"S{n:03d}" for n in range(1, 20)]
WAREHOUSES = ["W1", "W2"]
RELEASED = [f"20171{day}-U{n}" for day in (219, 220, 221) for n in range(1, 8)]
_PLACES = {ORDERS.table: STORES, STOCK.table: WAREHOUSES, RECEIPTS.table: RELEASED}
LINE_BYTES = ORDERS.limits["line_bytes"]


@dataclass
class Result:
    """What became of some files: rows as tuples in a fixed order, counts a file."""

    accepted: list[tuple]
    refused: list[tuple]
    counts: dict[str, Counts]

    def reasons(self) -> list[list[str]]:
        return [row[-1] for row in self.refused]


@cache
def _database():
    return connect()


def known_of(feed) -> Known:
    return Known(pa.array(sorted(SKUS, key=str.encode)), pa.array(sorted(_PLACES[feed.table])))


def run(files: dict[str, bytes], feed=ORDERS, engine: str = "two_tier", day=DAY, size: int = 1 << 20, parts: int = 1) -> Result:
    """Stages files in blocks of about `size` bytes; conservation is asserted, as the driver does."""
    work, db = Work(feed, day, known_of(feed), engine), _database()
    pieces = {
        name: list(blocks(name, io.BytesIO(files[name]), 0, (), list(feed.kinds), size, LINE_BYTES)) for name in sorted(files)
    }
    suspects, _ = duplicates.twice([duplicates.scan(db, work, found) for found in pieces.values()])
    outcomes = [stage(db, work, [block], suspects) for found in pieces.values() for block in found]
    empty = stage(db, work, [], np.zeros(0, np.uint64))
    rows = pa.concat_tables([empty.suspect, *(o.suspect for o in outcomes)])
    outcomes += [duplicates.settle(db, feed, some, work.known.skus) for some in duplicates.buckets(db, feed, rows, parts)]
    counts = merged([o.counts for o in outcomes])
    check_conservation(counts)
    accepted = pa.concat_tables([empty.accepted, *(o.accepted for o in outcomes)])
    refused = pa.concat_tables([empty.refused, *(o.refused for o in outcomes)])
    return Result(_tuples(accepted), _tuples(refused), {f: c for f, c in counts.items() if c.lines or c.read})


def both(files: dict[str, bytes], feed=ORDERS, day=DAY, size: int = 1 << 20) -> Result:
    """Both tiers, after seeing that the judge alone gives exactly the same."""
    two, judge = (run(files, feed, engine, day, size) for engine in ("two_tier", "judge"))
    assert two.accepted == judge.accepted
    assert two.refused == judge.refused
    for file, counts in judge.counts.items():
        mine = two.counts[file]
        for name in (
            "read", "accepted", "rejected", "set_aside", "duplicates", "lines", "blank", "reasons", "snapshots", "shows_utf8",
            "damaged", "kept",
        ):  # fmt: skip
            assert getattr(mine, name) == getattr(counts, name), (file, name)
    return two


def share_proven(result: Result) -> float:
    """Which part of the lines went the fast way: a test of the fast way must have taken it."""
    lines = sum(c.proven + c.judged for c in result.counts.values())
    return sum(c.proven for c in result.counts.values()) / max(1, lines)


def stock(files: dict[str, bytes], **options) -> Result:
    return both(files, STOCK, **options)


def _tuples(table: pa.Table) -> list[tuple]:
    rows = [tuple(row.values()) for row in table.to_pylist()]
    return sorted(rows, key=repr)
