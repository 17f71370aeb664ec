"""What becomes of blocks of lines: proven rows the fast way, every other line through the judge.

The two tiers together give exactly what the judge alone gives. With the setting `staging.engine: judge` nothing is
proven and the judge sees every line.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
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
from common.staging.lines import Block, kind_of, readable, shows_utf8
from common.staging.prove import Lines, clean, cut, hash_of, hashes, typed
from common.staging.tables import compact, refused_schema, suspect_schema, table_of

_FLUSH_ROWS = 20_000  # Python rows held at a time
_LONG_CHARACTERS = 16_384  # of a longer record, an order line after the first one keeps only so much raw text


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
    judged = _Judged(db, work, suspects)
    for part, mask in zip(parts, masks, strict=True):
        todo = np.flatnonzero(~mask | doubtful[part.start : part.start + len(part)])
        count = counts[part.block.file]
        count.lines += len(part)
        count.shows_utf8 = count.shows_utf8 or shows_utf8(part.block.data)
        count.proven += len(part) - len(todo)
        count.note_extra(set(part.block.header) - set(work.feed.kinds))
        for line in todo.tolist():
            judged.line(part, line, count)
    careful, suspect, refused = judged.tables()
    accepted = pa.concat_tables([proven, by_sku(careful, work.known.skus)])
    _count(accepted, "accepted", counts)
    _count(suspect, "suspect", counts)
    if work.feed.is_snapshot:
        _fingerprint(db, work.feed, [accepted, suspect.select(accepted.column_names)], counts)
        count_kept(accepted, work.feed, counts)
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


class _Judged:
    """(accepted, suspect, refused) rows of the judge, turned into tables before there are too many of them."""

    def __init__(self, db: duckdb.DuckDBPyConnection, work: Work, suspects: np.ndarray) -> None:
        self._db, self._work, self._suspects = db, work, suspects
        self._schema = suspect_schema(work.feed.table).append(pa.field("again", pa.bool_()))
        self._rows: list[tuple] = []
        self._refused: list[tuple] = []
        self._tables: list[tuple[pa.Table, pa.Table, pa.Table]] = []

    def line(self, part: Lines, line: int, count: Counts) -> None:
        """Judges one line of a block."""
        raw, feed, block = part.raw(line), self._work.feed, part.block
        verdict = feed.judges[kind_of(block.file)](raw, block.header, self._work.rules)
        if not verdict.rows and not verdict.refused:
            count.blank += 1
            return
        source = (block.file, block.before + line + 1)
        text = readable(raw, self._work.line_bytes)
        kept, refused = _texts(text), _texts(text)
        again = len({row[: len(feed.grain)] for row in verdict.rows}) < len(verdict.rows)
        for row, element in zip(verdict.rows, verdict.elements, strict=True):
            self._rows.append((*row, *source, element, next(kept), again))
        for element, sku, reasons in verdict.refused:
            action = feed.action(reasons)
            self._refused.append((action, *source, element, sku, next(refused), reasons))
            count.add(action, reasons)
            if "not_utf8" in reasons:
                count.damaged = count.damaged or source[1]
        count.read += len(verdict.rows)
        count.judged += 1
        count.note_extra(verdict.extra)
        if len(self._rows) + len(self._refused) > _FLUSH_ROWS:
            self._flush()

    def tables(self) -> tuple[pa.Table, pa.Table, pa.Table]:
        """All rows so far, in the order of the lines."""
        self._flush()
        accepted, suspect, refused = (pa.concat_tables(tables) for tables in zip(*self._tables, strict=True))
        return accepted, suspect, refused

    def _flush(self) -> None:
        rows, feed = table_of(self._rows, self._schema), self._work.feed
        doubt = rows["again"].to_numpy().astype(bool)
        if len(rows):
            doubt |= _among(hashes(self._db, [rows[c].combine_chunks() for c in feed.group]), self._suspects)
        accepted = rows.filter(pa.array(~doubt)).select(feed.schema.names)
        suspect = compact(rows.filter(pa.array(doubt)).drop_columns(["again"]))
        self._tables.append((accepted, suspect, table_of(self._refused, refused_schema())))
        self._rows, self._refused = [], []


def _texts(text: str) -> Iterator[str]:
    """The raw text for each row of a record: of a long record only the first one has the whole, else there is no bound."""
    yield text
    start = text[:_LONG_CHARACTERS]
    while True:
        yield start


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


def count_kept(rows: pa.Table, feed: Feed, counts: dict[str, Counts]) -> None:
    """Adds accepted stock rows to what is kept of each warehouse."""
    for found in rows.group_by(["source_file", feed.place]).aggregate([([], "count_all")]).to_pylist():
        counts[found["source_file"]].kept[found[feed.place]] += found["count_all"]


def _fingerprint(db: duckdb.DuckDBPyConnection, feed: Feed, tables: Sequence[pa.Table], counts: dict[str, Counts]) -> None:
    """What each warehouse's rows of each file add up to."""
    db.register("snapshot", pa.concat_tables(tables))
    for file, place, rows, total in db.execute(f"""
            select source_file, {feed.place}, count(*), sum({hash_of(feed.columns)}::hugeint)
            from snapshot group by all""").fetchall():
        counts[file].snapshots[place] = (rows, total)
    db.unregister("snapshot")


def _among(values: np.ndarray, sorted_values: np.ndarray) -> np.ndarray:
    if not len(sorted_values):
        return np.zeros(len(values), bool)
    place = np.minimum(np.searchsorted(sorted_values, values), len(sorted_values) - 1)
    found: np.ndarray = sorted_values[place] == values
    return found
