"""Stages one date's raw files with Spark: three passes over pieces, then what came of it is checked and taken.

    pass 1  hashes of groups; those met twice in the day are suspects
    pass 2  rows accepted, suspect, refused
    pass 3  suspects settled exactly
A day that fits into one task goes through all three in that one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from common.clients.hdfs import Hdfs
from common.errors import CannotWrite, Failure, TryAgain, Unavailable
from common.landing.manifest import MANIFEST, Manifest, parse_manifest
from common.publish.run import Run
from common.stages import Input
from common.staging import tasks
from common.staging.attempts import SUSPECT, Written, take
from common.staging.counts import Counts, check_conservation, check_limits, merged, summed
from common.staging.days import business_day
from common.staging.duplicates import twice
from common.staging.feeds import Feed
from common.staging.pieces import Piece, pieces_of, share_out
from common.staging.rejects import record
from common.staging.tasks import Plan, Report, first_fault, packed
from common.staging.two_tier import Known

_SETTLED_AT_ONCE = 64 << 20  # bytes of suspect raw text that one task settles, about
_LARGE_SHARE_PERCENT = 20  # of a file's lines through the judge: worth saying


@dataclass(frozen=True)
class Staged:
    """What was made of one date's files: the directory, counts a file, and the manifest they came from."""

    directory: str
    counts: dict[str, Counts]
    manifest: Manifest


def stage_files(
    run: Run,
    feed: Feed,
    raw: Input,
    known: Known,
    check: Callable[[Staged], None] = lambda staged: None,
    keep: Callable[[Run, str, str, list[Written]], None] = record,
) -> Staged:
    """Stages the raw folder `raw`. BadData, CannotWrite, TryAgain.

    `check` may stop before anything is taken or recorded; `keep` records the refused rows of the attempts' files.
    """
    manifest = parse_manifest(run.hdfs.read(f"{raw.location}/{MANIFEST}"), f"{raw.location}/{MANIFEST}")
    settings = run.settings
    size = int(settings["staging.piece_mb"]) << 20
    target, attempts = run.private_dir(feed.table), run.private_dir(feed.table)
    plan = Plan(
        hdfs_url=settings.service("HDFS_URL"),
        table=feed.table,
        day=business_day(run.day, settings["business.time_zone"], settings["business.day_ends"]),
        engine=settings["staging.engine"],
        attempts=attempts,
        block_bytes=size,
    )
    files, counts = _passes(run, plan, packed(known), pieces_of(raw.location, manifest.files, list(feed.kinds)))
    for file in manifest.files:
        counts.setdefault(file.name, Counts())
    check_conservation(counts)
    staged = Staged(target, dict(sorted(counts.items())), manifest)
    check(staged)
    check_limits(feed.table, counts, feed.limits, str(run.day))
    keep(run, feed.table, attempts, files)
    rows, total = take(run.hdfs, attempts, files, target), summed(counts)
    if rows != total.accepted:
        raise AssertionError(f"{target} has {rows} rows, {total.accepted} were accepted")
    run.hdfs.delete(attempts)
    return staged


def rows_of(staged: Staged) -> dict[str, int]:
    """Counts of the day by outcome."""
    total = summed(staged.counts)
    names = ("read", "accepted", "rejected", "set_aside", "duplicates")
    return {name: getattr(total, name) for name in names}


def notes_of(run: Run, staged: Staged) -> dict[str, Any]:
    """What the ledger keeps beside the counts: each file's, the reasons, the judge's share; says aloud what is unusual."""
    total = summed(staged.counts)
    for file, c in staged.counts.items():
        if c.extra:
            more = f" and {len(c.extra) - 5} more" if len(c.extra) > 5 else ""
            run.say(f"  {file}: fields that nobody asked for: {', '.join(sorted(c.extra)[:5])}{more}")
        if c.proven + c.judged >= 1000 and c.judged * 100 > _LARGE_SHARE_PERCENT * (c.proven + c.judged):
            run.say(f"  {file}: {c.judged:,} of {c.lines:,} lines needed the judge, which is slower")
    files = {
        file: {
            "read": c.read,
            "accepted": c.accepted,
            "rejected": c.rejected,
            "set_aside": c.set_aside,
            "duplicates": c.duplicates,
            "judged_lines": c.judged,
            **({"extra_fields": sorted(c.extra)} if c.extra else {}),
        }
        for file, c in staged.counts.items()
    }
    return {"files": files, "reasons": dict(total.reasons), "lines": total.lines, "judged_lines": total.judged}


def column(hdfs: Hdfs, location: str, name: str) -> pa.Array:
    """The distinct values of one text column of a small staged table, sorted."""
    tables = [pq.read_table(pa.BufferReader(hdfs.read(e.path)), columns=[name]) for e in hdfs.list(location) if not e.is_dir]
    values = pa.concat_tables([pa.table({name: pa.array([], pa.string())}), *tables])[name]
    return pa.array(sorted(set(values.to_pylist())), pa.string())


def known_of(run: Run, inputs: Sequence[Input], places: str, place: str) -> Known:
    """SKUs of staging.products and places of the table `places`, as the date's master data has them."""
    at = {i.name.split("/")[0]: i.location for i in inputs}
    with ThreadPoolExecutor(2) as pool:
        skus = pool.submit(column, run.hdfs, at["staging.products"], "sku")
        others = pool.submit(column, run.hdfs, at[places], place)
        return Known(skus.result(), others.result())


def _passes(run: Run, plan: Plan, known: bytes, pieces: list[Piece]) -> tuple[list[Written], dict[str, Counts]]:
    if not pieces:
        return [], {}
    spark, attempts = run.spark_context, plan.attempts
    shares = share_out(pieces, plan.block_bytes, spark.defaultParallelism)
    master = spark.broadcast(known)
    if len(shares) == 1:
        (report,) = each(spark, shares, lambda task, pieces: tasks.everything(plan, master.value, pieces, task))
        if not report.is_outgrown:
            return report.files, report.counts
    scans = each(spark, shares, lambda task, pieces: tasks.scan(plan, master.value, pieces))
    found, share = twice([np.frombuffer(r.hashes, np.uint64) for r in scans])
    suspects = spark.broadcast(found.tobytes())
    parts = int(share * sum(piece.weight for piece in pieces)) // _SETTLED_AT_ONCE + 1
    reports = each(spark, shares, lambda task, ps: tasks.stage_pieces(plan, master.value, suspects.value, parts, ps, task))
    written = [f for r in reports for f in r.files if f.kind == SUSPECT]
    buckets = [names for part in range(parts) if (names := [f.name for f in written if f.part == part])]
    if buckets:
        reports += each(spark, buckets, lambda task, names: tasks.settle(plan, master.value, names, f"{task}-settled"))
    run.say(f"  {len(shares)} tasks, {len(found):,} suspect groups, attempts in {attempts}")
    return [f for r in reports for f in r.files], merged([r.counts for r in reports])


def each(spark: Any, work: Sequence[Any], function: Callable[[str, Any], Report]) -> list[Report]:
    """One task an item; the function is given the task's name, different for every attempt."""
    from py4j.protocol import Py4JError  # type: ignore[import-untyped]
    from pyspark.errors import PySparkException

    def one(item: Any) -> Report:
        from pyspark import TaskContext

        context = TaskContext.get()
        name = f"{context.partitionId():05d}-{context.attemptNumber()}" if context else "00000-0"
        return function(name, item)

    try:
        reports: list[Report] = spark.parallelize(work, len(work)).map(one).collect()
    except (Py4JError, PySparkException) as error:  # the latter once there is a session
        raise _given_up(error) from error
    first_fault(reports)
    return reports


def _given_up(error: Exception) -> Failure:
    """Spark gave a task up: a service stayed away, there is no room, or a worker died; anything else is a bug of ours."""
    text = str(error)
    for kind in (CannotWrite, Unavailable, TryAgain):
        _, found, what = text.partition(f"common.errors.{kind.__name__}: ")
        if found:
            if kind is CannotWrite:
                return CannotWrite(what.splitlines()[0], where="a Spark task", next="free space in HDFS, then run again")
            return TryAgain(what.splitlines()[0], where="a Spark task", next="./submit.sh check, then the same command again")
    if "Python worker exited" in text or "Python worker failed to connect" in text or "ExecutorLostFailure" in text:
        return TryAgain(
            "a worker of a Spark task died, several times", where="a Spark task", next="see that there is memory, then again"
        )
    raise error
