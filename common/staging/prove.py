"""The fast way: lines that full-match the strict grammar become typed columns, without loss and without Python loops.

JSON goes through DuckDB, CSV through Arrow. DuckDB may read a JSON number through a double: exact for the grammar's
prices (at most 12 digits; a double holds 15), and counts are below 2^30.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv

from common.staging.days import BusinessDay
from common.staging.feeds import Feed
from common.staging.grammar import Grammar, grammar
from common.staging.lines import Block, strings


def hash_of(columns: Sequence[str]) -> str:
    """SQL of a 64-bit hash of columns.

    DuckDB's own is weak for texts that are made of parts (13 stores' numbers 1 to 200,000: 320,000 collisions), so each
    is hashed a second time with another alignment.
    """
    return "hash(" + ", ".join(f"{column}, '+' || {column}" for column in columns) + ")"


_FORM = (
    '{"order_id":"VARCHAR","store_id":"VARCHAR","ordered_at":"VARCHAR",'
    '"lines":[{"line_no":"INTEGER","sku":"VARCHAR","quantity":"BIGINT","unit_price":"DECIMAL(12,2)"}]}'
)
_FROM_JSON = f"""
    with records as (select row, cut, shift, from_json(raw, '{_FORM}') as r from proven),
    orders as (
        select row, r.order_id as order_id, {hash_of(["r.order_id"])} as hash, r.store_id as store_id, unnest(r.lines) as line,
            epoch_us(left(r.ordered_at, length(r.ordered_at) - cut)::timestamp) + shift as ordered_at
        from records
    )
    select order_id, line.line_no as line_no, store_id, ordered_at, line.sku as sku, line.quantity as quantity,
        line.unit_price as unit_price, row, hash
    from orders"""
_INSTANT = pa.timestamp("us", "UTC")
_CSV_TYPES = {
    "text": pa.string(),
    "instant": pa.string(),
    "day": pa.string(),
    "money": pa.decimal128(12, 2),
    "recent day": pa.date32(),
    "flag": pa.bool_(),
}
_JSON_TYPES = {"text": "VARCHAR", "count": "BIGINT", "recent day": "DATE", "flag": "BOOLEAN"}


@dataclass(frozen=True)
class Lines:
    """A block cut into lines.

    start   number of this block's first line among all lines of the work at hand
    """

    block: Block
    start: int
    grammar: Grammar

    @property
    def begins(self) -> np.ndarray:
        return self.block.begins

    def __len__(self) -> int:
        return len(self.begins) - 1

    def raw(self, line: int) -> bytes:
        """The bytes of a line of this block, from 0."""
        return self.block.data[self.begins[line] : self.begins[line + 1]]

    @property
    def all(self) -> pa.Array:
        """All lines as Arrow strings over the same bytes."""
        return strings(self.block.data, self.begins)


def cut(blocks: Sequence[Block], feed: Feed, day: BusinessDay) -> list[Lines]:
    """Blocks cut into lines, numbered through."""
    found: list[Lines] = []
    start = 0
    for block in blocks:
        found.append(Lines(block, start, grammar(feed, block.data, block.header, day)))
        start += len(found[-1])
    return found


def clean(lines: Lines, line_bytes: int) -> np.ndarray:
    """Which lines of a block are clean: they match the grammar, and are not too long."""
    matches: np.ndarray = pc.match_substring_regex(lines.all, lines.grammar.line).to_numpy(zero_copy_only=False)
    return matches & (np.diff(lines.begins) <= line_bytes)


def typed(db: duckdb.DuckDBPyConnection, feed: Feed, parts: Sequence[tuple[Lines, np.ndarray]]) -> pa.Table:
    """The clean lines as typed rows: the feed's columns, `row` (number of the line) and `hash` (of its group)."""
    kept = [(lines, mask) for lines, mask in parts if mask.any()]
    tables = _from_csv(db, feed, [(lines, mask) for lines, mask in kept if lines.block.header])
    tables += _from_json(db, feed, [(lines, mask) for lines, mask in kept if not lines.block.header])
    wanted = [feed.schema.field(n) for n in feed.columns] + [pa.field("row", pa.int64()), pa.field("hash", pa.uint64())]
    empty = pa.schema(wanted).empty_table()
    return pa.concat_tables([empty, *(t.select(empty.column_names).cast(empty.schema) for t in tables)])


def hashes(db: duckdb.DuckDBPyConnection, columns: Sequence[pa.Array]) -> np.ndarray:
    """A 64-bit hash of each row of text columns; never stored, for DuckDB may change it between versions."""
    names = [f"c{n}" for n in range(len(columns))]
    keys = pa.table(list(columns), names=names)
    db.register("keys", keys)
    found: np.ndarray = db.execute(f"select {hash_of(names)} as h from keys").fetchnumpy()["h"]
    db.unregister("keys")
    return found


def _flat_sql(feed: Feed) -> str:
    """One row a record: its fields by name."""
    form = ",".join(f'"{field}":"{_JSON_TYPES[kind]}"' for field, kind in feed.kinds.items())
    fields = ", ".join(f"r.{field} as {column}" for column, field in feed.names.items())
    return f"""
        with records as (select row, from_json(raw, '{{{form}}}') as r from proven where raw is not null),
        typed as (select {fields}, row from records)
        select *, {hash_of(feed.group)} as hash from typed"""


def _from_json(db: duckdb.DuckDBPyConnection, feed: Feed, parts: Sequence[tuple[Lines, np.ndarray]]) -> list[pa.Table]:
    if not parts:
        return []
    tables = []
    for lines, mask in parts:
        number = np.arange(lines.start, lines.start + len(lines))
        valid = pa.array(mask).buffers()[1]
        raw = strings(lines.block.data, lines.begins, valid)
        form = lines.grammar
        size = len(lines)
        cuts, shifts = np.full(size, len(form.suffix), np.int32), np.full(size, form.shift, np.int64)
        tables.append(pa.table({"row": number, "raw": raw, "cut": cuts, "shift": shifts}))
    proven = pa.concat_tables(tables)
    db.register("proven", proven)
    rows: pa.Table = db.sql(_FROM_JSON if feed.is_nested else _flat_sql(feed)).to_arrow_table()
    db.unregister("proven")
    expected, got = sum(int(mask.sum()) for _, mask in parts), _distinct(rows["row"].to_numpy())
    if got != expected:
        raise AssertionError(f"{parts[0][0].block.file}: {expected} records match the grammar, {got} were parsed")
    return [rows.set_column(3, "ordered_at", rows["ordered_at"].cast(_INSTANT)) if feed.is_nested else rows]


def _from_csv(db: duckdb.DuckDBPyConnection, feed: Feed, parts: Sequence[tuple[Lines, np.ndarray]]) -> list[pa.Table]:
    if not parts:
        return []
    rows = pa.concat_tables([_csv_block(feed, lines, mask) for lines, mask in parts]).combine_chunks()
    return [rows.append_column("hash", pa.array(hashes(db, [rows[column].combine_chunks() for column in feed.group])))]


def _csv_block(feed: Feed, lines: Lines, mask: np.ndarray) -> pa.Table:
    """Clean lines, contiguous again, through Arrow's CSV reader: every conversion is from text to type."""
    header = lines.block.header
    text = lines.all.filter(pa.array(mask)).buffers()[2]
    types = {h: _CSV_TYPES.get(feed.kinds.get(h, "text"), pa.int64()) for h in header}
    table = pacsv.read_csv(
        pa.BufferReader(text),
        pacsv.ReadOptions(use_threads=False, column_names=list(header), block_size=1 << 22),
        pacsv.ParseOptions(quote_char=False, escape_char=False, newlines_in_values=False, ignore_empty_lines=False),
        pacsv.ConvertOptions(column_types=types, null_values=[""], strings_can_be_null=False, check_utf8=False),
    )
    if len(table) != mask.sum():
        raise AssertionError(f"{lines.block.file}: {mask.sum()} lines match the grammar, {len(table)} were parsed")
    found: dict[str, Any] = {column: table[field] for column, field in feed.names.items()}
    if "ordered_at" in found:
        form = lines.grammar
        local = pc.utf8_slice_codeunits(found["ordered_at"], 0, -len(form.suffix) if form.suffix else None)
        moment = local.cast(pa.timestamp("us")).cast(pa.int64())
        found["ordered_at"] = pc.add(moment, form.shift).cast(_INSTANT)
    found["row"] = pa.array(np.flatnonzero(mask) + lines.start)
    return pa.table(found)


def _distinct(ordered: np.ndarray) -> int:
    """How many different values a sorted array has."""
    return int(np.count_nonzero(np.diff(ordered))) + 1 if len(ordered) else 0
