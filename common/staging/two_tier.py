"""What becomes of blocks of lines: proven rows the fast way, every other line through the judge.

The two tiers together give exactly what the judge alone gives. With the setting `staging.engine: judge` nothing is
proven and the judge sees every line.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cached_property

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from common.staging.counts import Counts
from common.staging.days import BusinessDay
from common.staging.feeds import Feed
from common.staging.judge import Rules
from common.staging.lines import Block, kind_of, readable
from common.staging.prove import Lines, clean, cut, hashes, typed
from common.staging.tables import refused_schema, suspect_schema, table_of

_FLUSH_ROWS = 20_000  # Python rows held at a time


@dataclass(frozen=True)
class Known:
    """Master data that rows are compared with, each array sorted and without repeats."""

    skus: pa.Array
    places: pa.Array

    @cached_property
    def sku_set(self) -> frozenset[str]:
        return frozenset(self.skus.to_pylist())

    @cached_property
    def place_set(self) -> frozenset[str]:
        return frozenset(self.places.to_pylist())


@dataclass(frozen=True)
class Work:
    """What the staging of one date's files needs: the feed, the date, master data, the engine's name."""

    feed: Feed
    day: BusinessDay
    known: Known
    engine: str = "two_tier"

    @property
    def line_bytes(self) -> int:
        return self.feed.limits["line_bytes"]

    @cached_property
    def rules(self) -> Rules:
        return Rules(self.day, self.known.sku_set, self.known.place_set, self.line_bytes)


@dataclass
class Outcome:
    """What became of some blocks.

    accepted  rows to publish, by SKU
    suspect   accepted rows that may have a duplicate in the day, with their raw text
    refused   rejected and set-aside rows
    counts    order lines (or stock rows) by outcome, a file
    """

    accepted: pa.Table
    suspect: pa.Table
    refused: pa.Table
    counts: dict[str, Counts] = field(default_factory=dict)


def connect() -> duckdb.DuckDBPyConnection:
    """A database of one task: one thread, bounded memory."""
    return duckdb.connect(config={"threads": 1, "memory_limit": "700MB", "preserve_insertion_order": True})


def stage(db: duckdb.DuckDBPyConnection, work: Work, blocks: Sequence[Block], suspects: np.ndarray) -> Outcome:
    """Stages some blocks; `suspects` are the sorted hashes of groups that may hold duplicates."""
    parts = cut(blocks, work.feed, work.day)
    counts = {block.file: Counts() for block in blocks}
    masks = [clean(p, work.line_bytes) if work.engine != "judge" else np.zeros(len(p), bool) for p in parts]
    rows = _Typed(typed(db, work.feed, list(zip(parts, masks, strict=True))), work)
    doubtful = rows.doubtful(suspects, sum(map(len, parts)))
    proven = rows.proven(doubtful, parts, counts)
    careful, suspect, refused = _judge(db, work, parts, masks, doubtful, suspects, counts)
    accepted = pa.concat_tables([proven, by_sku(careful, work.known.skus)])
    _count(accepted, "accepted", counts)
    _count(suspect, "suspect", counts)
    if work.feed.is_snapshot:
        _fingerprint(db, work.feed, [accepted, suspect.select(accepted.column_names)], counts)
    return Outcome(accepted, suspect, refused, counts)


class _Typed:
    """The rows of clean lines, compared with master data: known values as their places in the sorted arrays."""

    def __init__(self, rows: pa.Table, work: Work) -> None:
        self.rows, self.work, self.number = rows, work, rows["row"].to_numpy()
        self.sku = _places(rows["sku"], work.known.skus)
        self.place = _places(rows[work.feed.place], work.known.places)

    def doubtful(self, suspects: np.ndarray, lines: int) -> np.ndarray:
        """Which lines parsed well and still need the judge: something unknown, another date, or a possible duplicate."""
        rows, number = self.rows, self.number
        fine = (self.sku >= 0) & (self.place >= 0) & ~_among(rows["hash"].to_numpy(), suspects)
        if "ordered_at" in rows.column_names:
            at = rows["ordered_at"].cast(pa.int64()).to_numpy()
            fine &= (at >= _microseconds(self.work.day.start)) & (at < _microseconds(self.work.day.end))
            line_no = rows["line_no"].to_numpy()
            fine[1:] &= ~((number[1:] == number[:-1]) & (line_no[1:] <= line_no[:-1]))
        found = np.zeros(lines, bool)
        found[number[~fine]] = True
        return found

    def proven(self, doubtful: np.ndarray, parts: Sequence[Lines], counts: dict[str, Counts]) -> pa.Table:
        """The rows of all other lines, by SKU, with file and line; counts them as read. Every column is copied once."""
        kept = np.flatnonzero(~doubtful[self.number])
        kept = kept[_order(self.sku[kept], len(self.work.known.skus))]
        number = self.number[kept]
        starts, before = np.array([p.start for p in parts] or [0]), np.array([p.block.before for p in parts] or [0])
        file = np.searchsorted(starts, number, "right") - 1
        for part, n in zip(parts, np.bincount(file, minlength=len(parts)).tolist(), strict=False):
            counts[part.block.file].read += n
        columns: dict[str, pa.Array] = {
            "sku": self.work.known.skus.take(pa.array(self.sku[kept])),
            self.work.feed.place: self.work.known.places.take(pa.array(self.place[kept])),
            "source_file": pa.array([p.block.file for p in parts], pa.string()).take(pa.array(file)),
            "source_line": pa.array(number - starts[file] + before[file] + 1),
        }
        wanted, at = self.work.feed.schema, pa.array(kept)
        return pa.table([columns[n] if n in columns else self.rows[n].take(at) for n in wanted.names], schema=wanted)


def _judge(
    db: duckdb.DuckDBPyConnection,
    work: Work,
    parts: Sequence[Lines],
    masks: Sequence[np.ndarray],
    doubtful: np.ndarray,
    suspects: np.ndarray,
    counts: dict[str, Counts],
) -> tuple[pa.Table, pa.Table, pa.Table]:
    """(accepted, suspect, refused) of all lines that were not proven, in the order of the lines."""
    found: list[tuple[pa.Table, pa.Table]] = []
    rows: list[tuple] = []
    refused: list[tuple] = []

    def flush() -> None:
        found.append((table_of(rows, _careful_schema(work.feed)), table_of(refused, refused_schema())))
        rows.clear()
        refused.clear()

    for part, mask in zip(parts, masks, strict=True):
        todo = np.flatnonzero(~mask | doubtful[part.start : part.start + len(part)])
        count = counts[part.block.file]
        count.proven += len(part) - len(todo)
        count.extra |= set(part.block.header) - set(work.feed.kinds)
        count.lines += len(part)
        for line in todo.tolist():
            _one_line(work, part, line, count, rows, refused)
            if len(rows) + len(refused) > _FLUSH_ROWS:
                flush()
    flush()
    careful, all_refused = (pa.concat_tables(t) for t in zip(*found, strict=True))
    group = hashes(db, [careful[c].combine_chunks() for c in work.feed.group]) if len(careful) else np.zeros(0, np.uint64)
    doubt = _among(group, suspects) | careful["again"].to_numpy(zero_copy_only=False).astype(bool)
    suspect = careful.filter(pa.array(doubt)).drop_columns(["again"])
    return careful.filter(pa.array(~doubt)).select(work.feed.schema.names), suspect, all_refused


def _careful_schema(feed: Feed) -> pa.Schema:
    return suspect_schema(feed.table).append(pa.field("again", pa.bool_()))


def _one_line(work: Work, part: Lines, line: int, count: Counts, rows: list[tuple], refused: list[tuple]) -> None:
    raw, feed, block = part.raw(line), work.feed, part.block
    verdict = feed.judges[kind_of(block.file)](raw, block.header, work.rules)
    if not verdict.rows and not verdict.refused:
        count.blank += 1
        return
    source = (block.file, block.before + line + 1)
    text = readable(raw, work.line_bytes)
    keys = {row[: len(feed.grain)] for row in verdict.rows}
    again = len(keys) < len(verdict.rows)
    rows += [(*row, *source, element, text, again) for row, element in zip(verdict.rows, verdict.elements, strict=True)]
    count.read += len(verdict.rows)
    for element, sku, reasons in verdict.refused:
        action = feed.action(reasons)
        refused.append((action, *source, element, sku, text, reasons))
        count.add(action, reasons)
    count.judged += 1
    count.extra |= verdict.extra


def by_sku(rows: pa.Table, skus: pa.Array) -> pa.Table:
    """Rows in the order of their SKUs, so that a query of one SKU skips most of a file."""
    return rows.take(pa.array(_order(_places(rows["sku"], skus), len(skus)))) if len(rows) else rows


def _order(places: np.ndarray, count: int) -> np.ndarray:
    """A stable order by place; numpy sorts 16-bit numbers in linear time."""
    return np.argsort(places.astype(np.uint16) if count < 1 << 16 else places, kind="stable")


def _places(values: pa.ChunkedArray, known: pa.Array) -> np.ndarray:
    """Where each value stands among the known ones; -1 for one that does not."""
    found: np.ndarray = pc.index_in(values, known).fill_null(-1).to_numpy()
    return found


def _microseconds(moment: datetime) -> int:
    return (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)


def _count(rows: pa.Table, outcome: str, counts: dict[str, Counts]) -> None:
    for found in pc.value_counts(rows["source_file"]).to_pylist():
        count = counts[found["values"]]
        setattr(count, outcome, getattr(count, outcome) + found["counts"])


def _fingerprint(db: duckdb.DuckDBPyConnection, feed: Feed, tables: Sequence[pa.Table], counts: dict[str, Counts]) -> None:
    """What each warehouse's rows of each file add up to."""
    db.register("snapshot", pa.concat_tables(tables))
    for file, place, rows, total in db.execute(f"""
            select source_file, {feed.place}, count(*), sum(hash({", ".join(feed.columns)})::hugeint)
            from snapshot group by all""").fetchall():
        counts[file].snapshots[place] = (rows, total)
    db.unregister("snapshot")


def _among(values: np.ndarray, sorted_values: np.ndarray) -> np.ndarray:
    if not len(sorted_values):
        return np.zeros(len(values), bool)
    place = np.minimum(np.searchsorted(sorted_values, values), len(sorted_values) - 1)
    found: np.ndarray = sorted_values[place] == values
    return found
