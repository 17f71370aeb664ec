"""What becomes of blocks of lines: proven rows the fast way, every other line through the judge.

The two tiers together give exactly what the judge alone gives. With the setting `staging.engine: judge` nothing is
proven and the judge sees every line.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
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
    rows = typed(db, work.feed, list(zip(parts, masks, strict=True)))
    doubtful = _doubtful(rows, work, suspects, sum(map(len, parts)))
    number = rows["row"].to_numpy()
    proven = _sourced(rows.filter(pa.array(~doubtful[number])), work.feed, parts)
    _count(proven, "read", counts)
    careful, suspect, refused = _judge(db, work, parts, masks, doubtful, suspects, counts)
    accepted = by_sku(pa.concat_tables([proven, careful]), work.known.skus)
    _count(accepted, "accepted", counts)
    _count(suspect, "suspect", counts)
    if work.feed.is_snapshot:
        _fingerprint(db, work.feed, [accepted, suspect.select(accepted.column_names)], counts)
    return Outcome(accepted, suspect, refused, counts)


def _doubtful(rows: pa.Table, work: Work, suspects: np.ndarray, lines: int) -> np.ndarray:
    """Which lines parsed well and still need the judge: something unknown, another date, or a possible duplicate."""
    doubtful = np.zeros(lines, bool)
    if not len(rows):
        return doubtful
    number = rows["row"].to_numpy()
    fine = _mask(pc.is_in(rows["sku"], work.known.skus)) & _mask(pc.is_in(rows[work.feed.place], work.known.places))
    fine &= ~_among(rows["hash"].to_numpy(), suspects)
    if "ordered_at" in rows.column_names:
        at, bounds = rows["ordered_at"], [pa.scalar(t, pa.timestamp("us", "UTC")) for t in (work.day.start, work.day.end)]
        fine &= _mask(pc.and_(pc.greater_equal(at, bounds[0]), pc.less(at, bounds[1])))
        line_no = rows["line_no"].to_numpy()
        fine[1:] &= ~((number[1:] == number[:-1]) & (line_no[1:] <= line_no[:-1]))
    doubtful[number[~fine]] = True
    return doubtful


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


def _sourced(rows: pa.Table, feed: Feed, parts: Sequence[Lines]) -> pa.Table:
    """Typed rows with the file and line that they come from."""
    number = rows["row"].to_numpy()
    starts = np.array([p.start for p in parts] or [0])
    which = np.searchsorted(starts, number, "right") - 1
    files = pa.DictionaryArray.from_arrays(pa.array(which, pa.int32()), pa.array([p.block.file for p in parts], pa.string()))
    before = np.array([p.block.before for p in parts] or [0])
    line = number - starts[which] + before[which] + 1 if len(number) else number
    table = rows.select(feed.columns).append_column("source_file", files.cast(pa.string()))
    return table.append_column("source_line", pa.array(line, pa.int64())).cast(feed.schema)


def by_sku(rows: pa.Table, skus: pa.Array) -> pa.Table:
    """Rows in the order of their SKUs, so that a query of one SKU skips most of a file."""
    if not len(rows):
        return rows
    rank = pc.index_in(rows["sku"], skus).to_numpy()
    return rows.take(pa.array(np.argsort(rank, kind="stable")))


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


def _mask(values: pa.ChunkedArray) -> np.ndarray:
    found: np.ndarray = values.to_numpy(zero_copy_only=False) if isinstance(values, pa.Array) else values.to_numpy()
    return found.astype(bool)
