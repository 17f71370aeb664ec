"""What runs inside Spark's tasks. Each function is one pass over some pieces; what it can't do it returns or raises.

Bad data is returned, not raised: Spark would run the task again, and it would be as bad as before. What is raised (a
service that is away) is retried by Spark.
"""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any
from zipimport import zipimporter

import numpy as np
import pyarrow as pa
import pyarrow.ipc as ipc
import pyarrow.parquet as pq

from common.clients.hdfs import Hdfs
from common.errors import BadData, TryAgain, Unavailable
from common.staging import duplicates
from common.staging.attempts import ACCEPTED, REFUSED, SUSPECT, Attempt, Written
from common.staging.counts import Counts, merged
from common.staging.days import BusinessDay
from common.staging.feeds import FEEDS
from common.staging.lines import Block
from common.staging.pieces import Piece, read_ahead
from common.staging.tables import suspect_schema
from common.staging.two_tier import Known, Outcome, Work, by_sku, connect, stage

_PAUSES = (1, 2, 4, 8, 15)  # seconds before a task tries again when HDFS is away; a NameNode restarts in less


@dataclass(frozen=True)
class Plan:
    """What every task of one date is told.

    attempts     directory that attempts write to
    block_bytes  text held at a time
    """

    hdfs_url: str
    table: str
    day: BusinessDay
    engine: str
    attempts: str
    block_bytes: int


@dataclass
class Report:
    """What a task tells the driver: its files, its counts, hashes of groups.

    Or the fault that stops the night, or that the work has outgrown one task.
    """

    files: list[Written] = field(default_factory=list)
    counts: dict[str, Counts] = field(default_factory=dict)
    hashes: bytes = b""
    fault: BadData | None = None
    is_outgrown: bool = False


def packed(known: Known) -> bytes:
    """Master data as the tasks are sent it."""
    sink = pa.BufferOutputStream()
    for array in (known.skus, known.places):
        with ipc.new_stream(sink, pa.schema([("value", pa.string())])) as out:
            out.write_batch(pa.record_batch([array], names=["value"]))
    data: bytes = sink.getvalue().to_pybytes()
    return data


@cache
def unpacked(data: bytes) -> Known:
    """Inverse of `packed`; kept by the worker, for it serves many tasks."""
    source = pa.BufferReader(data)
    arrays = [ipc.open_stream(source).read_all()["value"].combine_chunks() for _ in range(2)]
    return Known(*(a.chunk(0) if isinstance(a, pa.ChunkedArray) else a for a in arrays))


def scan(plan: Plan, known: bytes, pieces: Sequence[Piece]) -> Report:
    """Pass 1: hashes of the groups in these pieces."""

    def work() -> Report:
        todo, hdfs = _work(plan, known), hdfs_of(plan.hdfs_url)
        db = connect()
        some = _read(hdfs, plan, todo, pieces, verify=False)  # pass 2 verifies what it stages
        found = [duplicates.scan(db, todo, blocks) for blocks in some]
        return Report(hashes=np.concatenate([duplicates.SEED, *found]).tobytes())

    return _guarded(work)


def stage_pieces(plan: Plan, known: bytes, suspects: bytes, parts: int, pieces: Sequence[Piece], task: str) -> Report:
    """Pass 2: rows accepted, suspect and refused, each kind in files of its own; suspects by `parts` buckets of groups."""

    def work() -> Report:
        todo, hdfs = _work(plan, known), hdfs_of(plan.hdfs_url)
        db, attempt, counts = connect(), Attempt(hdfs, plan.attempts, task), []
        for some in _read(hdfs, plan, todo, pieces):
            outcome = stage(db, todo, some, np.frombuffer(suspects, np.uint64))
            _write(attempt, outcome)
            for part, rows in enumerate(duplicates.buckets(db, todo.feed, outcome.suspect, parts)):
                attempt.write(SUSPECT, rows, part)
            counts.append(outcome.counts)
        return Report(attempt.close(), merged(counts))

    return _guarded(work)


def settle(plan: Plan, known: bytes, files: Sequence[str], task: str) -> Report:
    """Pass 3: the suspects of one bucket of groups, from its files of pass 2."""

    def work() -> Report:
        todo, hdfs = _work(plan, known), hdfs_of(plan.hdfs_url)
        tables = [pq.read_table(pa.BufferReader(hdfs.read(f"{plan.attempts}/{name}"))) for name in files]
        suspects = pa.concat_tables([suspect_schema(plan.table).empty_table(), *tables])
        outcome = duplicates.settle(connect(), todo.feed, suspects, todo.known.skus)
        attempt = Attempt(hdfs, plan.attempts, task)
        _write(attempt, outcome)
        return Report(attempt.close(), outcome.counts)

    return _guarded(work)


def everything(plan: Plan, known: bytes, pieces: Sequence[Piece], task: str) -> Report:
    """All three passes at once, for a day that fits into one task: its files are read once.

    It is outgrown by a .gz that holds far more than its size lets one think.
    """

    def work() -> Report:
        todo, hdfs, db = _work(plan, known), hdfs_of(plan.hdfs_url), connect()
        parts: list[list[Block]] = []
        for some in _read(hdfs, plan, todo, pieces):
            parts.append(some)
            if sum(len(block.data) for part in parts for block in part) > 2 * plan.block_bytes:
                return Report(is_outgrown=True)
        suspects, _ = duplicates.twice([duplicates.scan(db, todo, some) for some in parts])
        outcomes = [stage(db, todo, some, suspects) for some in parts]
        outcomes.append(duplicates.settle(db, todo.feed, _joined(outcomes, SUSPECT), todo.known.skus))
        attempt = Attempt(hdfs, plan.attempts, task)
        attempt.write(ACCEPTED, by_sku(_joined(outcomes, ACCEPTED), todo.known.skus))
        attempt.write(REFUSED, _joined(outcomes, REFUSED))
        return Report(attempt.close(), merged([o.counts for o in outcomes]))

    return _guarded(work)


def _joined(outcomes: Sequence[Outcome], kind: str) -> pa.Table:
    return pa.concat_tables([getattr(outcome, kind) for outcome in outcomes])


def _write(attempt: Attempt, outcome: Outcome) -> None:
    for kind in (ACCEPTED, REFUSED):
        attempt.write(kind, getattr(outcome, kind))


def _work(plan: Plan, known: bytes) -> Work:
    _tune_worker()
    return Work(FEEDS[plan.table], plan.day, unpacked(known), plan.engine)


@cache
def hdfs_of(url: str) -> Hdfs:
    """The worker's own connection, kept for its next task."""
    return Hdfs(url)


@cache
def _tune_worker() -> None:
    """A Python worker re-reads pyspark.zip before each task (80 ms) and collects garbage after it: both for nothing."""
    zipimporter.invalidate_caches = lambda self: None  # type: ignore[method-assign]
    gc.freeze()
    pa.set_cpu_count(1)
    pa.set_io_thread_count(1)


def _read(hdfs: Hdfs, plan: Plan, work: Work, pieces: Sequence[Piece], verify: bool = True) -> Iterator[list[Block]]:
    return read_ahead(hdfs, pieces, list(work.feed.kinds), plan.block_bytes, work.line_bytes, verify)


def _guarded(work: Callable[[], Report]) -> Report:
    """Does the work, again where a service was away: an attempt has files of its own, so that it can begin anew."""
    for pause in _PAUSES:
        try:
            return work()
        except BadData as fault:
            return Report(fault=fault)
        except (Unavailable, TryAgain):
            hdfs_of.cache_clear()
            time.sleep(pause)
    return work()


def first_fault(reports: Sequence[Any]) -> None:
    """Raises the first fault that a task reported."""
    for report in reports:
        if report.fault is not None:
            raise report.fault
