"""Duplicates of the whole day: suspected by 64-bit hashes, settled exactly.

A group (an order; a warehouse's SKU) whose hash is met twice in the day is a suspect, and its rows are set apart with
their raw text. Among them, identical copies keep the first by file and line; copies that differ are all rejected. Only
accepted rows are compared: a row that a rule refuses is in the audit table anyway. A resend of an earlier date needs no
history, its time is of another business date.
"""

from __future__ import annotations

from collections.abc import Sequence

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from common.staging.counts import Counts
from common.staging.feeds import Feed
from common.staging.lines import Block, kind_of
from common.staging.prove import Lines, cut, hashes
from common.staging.tables import refused_schema
from common.staging.two_tier import Outcome, Work, by_sku, count_kept

SEED = np.zeros(0, np.uint64)


def scan(db: duckdb.DuckDBPyConnection, work: Work, blocks: Sequence[Block]) -> np.ndarray:
    """Hashes of the groups that these blocks may give accepted rows of.

    One a JSON record, for a record is a whole order. In CSV an order has a line a row: one a group, however many rows
    it has here, and one more for every row that occurs twice here.
    """
    records: list[list[pa.Array]] = []
    rows: list[list[pa.Array]] = []
    for lines in cut(blocks, work.feed, work.day):
        keys = _keys(work, lines)
        if keys:
            (rows if lines.block.header else records).append(keys)
    found = [SEED]
    if records:
        found.append(hashes(db, _joined(records)))
    if rows:
        keys = _joined(rows)
        group, row = hashes(db, keys[: len(work.feed.group)]), hashes(db, keys)
        order = np.argsort(row)
        repeated = order[1:][row[order[1:]] == row[order[:-1]]]
        found += [np.unique(group), group[repeated]]
    return np.concatenate(found)


def twice(found: Sequence[np.ndarray]) -> tuple[np.ndarray, float]:
    """The hashes that occur more than once, sorted, and which share of all they are."""
    every = np.concatenate([SEED, *found])
    every.sort()
    repeated = every[1:][every[1:] == every[:-1]]
    suspects = np.unique(repeated)
    return suspects, (len(repeated) + len(suspects)) / max(1, len(every))


def buckets(db: duckdb.DuckDBPyConnection, feed: Feed, suspects: pa.Table, parts: int) -> list[pa.Table]:
    """The suspect rows by bucket: all rows of a group are in one."""
    if parts == 1 or not len(suspects):
        return [suspects] + [suspects.slice(0, 0)] * (parts - 1)
    part = hashes(db, [suspects[c].combine_chunks() for c in feed.group]) % np.uint64(parts)
    return [suspects.take(pa.array(np.flatnonzero(part == n))) for n in range(parts)]


def _keys(work: Work, lines: Lines) -> list[pa.Array]:
    """The key columns of all lines that have one: by the grammar where it matches, else as the judge reads it."""
    feed, block = work.feed, lines.block
    key_of = feed.keys[kind_of(block.file)]
    if work.engine == "judge":
        columns, odd = [], list(range(len(lines)))
    else:
        matched = pc.extract_regex(lines.all, lines.grammar.key)
        missing = matched.is_null().to_numpy(zero_copy_only=False)
        names = [n for n in feed.grain if matched.type.get_field_index(n) >= 0]
        clean = matched.filter(pa.array(~missing))
        columns = [pc.struct_field(clean, n) for n in names]
        odd = np.flatnonzero(missing).tolist()
    read = [key for key in (key_of(lines.raw(n), block.header) for n in odd) if key is not None]
    if not read:
        return columns
    texts = [pa.array(column, pa.string()) for column in zip(*read, strict=True)]
    return _joined([columns, texts]) if columns else texts


def _joined(parts: Sequence[Sequence[pa.Array]]) -> list[pa.Array]:
    return [pa.concat_arrays(list(column)) for column in zip(*parts, strict=True)]


def settle(db: duckdb.DuckDBPyConnection, feed: Feed, suspects: pa.Table, skus: pa.Array) -> Outcome:
    """What becomes of suspect rows: of all, or of those of a bucket."""
    grain, content = ", ".join(feed.grain), ", ".join(feed.columns)
    # the raw texts stay where each record's is kept once
    numbered = suspects.drop_columns(["raw"]).append_column("row", pa.array(np.arange(len(suspects))))
    db.register("suspects", numbered)
    db.execute(f"""
        create or replace temp table settled as
        select *, row_number() over (same order by source_file, source_line, element) as copy,
            count(*) over (partition by {grain}) = count(*) over same as alike
        from suspects
        window same as (partition by {content})""")
    db.unregister("suspects")
    accepted = db.sql(f"select {', '.join(feed.schema.names)} from settled where alike and copy = 1").to_arrow_table()
    refused = db.sql("""
        select 'reject' as action, source_file, source_line, element, sku, ['conflicting_duplicate'] as reasons, row
        from settled where not alike order by source_file, source_line, element""").to_arrow_table()
    refused = refused.append_column("raw", suspects["raw"].take(refused["row"])).select(refused_schema().names)
    counts: dict[str, Counts] = {}
    for file, kept, different, copies in db.execute("""
            select source_file, count(*) filter (alike and copy = 1), count(*) filter (not alike),
                count(*) filter (alike and copy > 1)
            from settled group by source_file""").fetchall():
        counts[file] = Counts(accepted=kept, rejected=different, duplicates=copies, suspect=-(kept + different + copies))
        if different:
            counts[file].reasons["conflicting_duplicate"] = different
    db.execute("drop table settled")
    if feed.is_snapshot:
        count_kept(accepted, feed, counts)
    return Outcome(by_sku(accepted.cast(feed.schema), skus), suspects.slice(0, 0), refused.cast(refused_schema()), counts)
