"""Arrow tables of staged, suspect and refused rows; their columns come from the contracts."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import cache
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from common.contracts import Contract, contract

_TYPES = {
    "varchar": pa.string(),
    "boolean": pa.bool_(),
    "integer": pa.int32(),
    "bigint": pa.int64(),
    "date": pa.date32(),
    # as an instant (UTC-adjusted): what Spark calls TIMESTAMP, and Trino's Hive connector reads as the same UTC time
    "timestamp(6)": pa.timestamp("us", "UTC"),
    "array(varchar)": pa.list_(pa.string()),
}

# the text of a record stands in each of its rows: kept once, else an order of 160 lines takes 160 times its size
RAW = pa.dictionary(pa.int32(), pa.string())


def arrow_type(declared: str) -> pa.DataType:
    """The Arrow type of a type in a contract."""
    if match := re.fullmatch(r"decimal\(([0-9]+),([0-9]+)\)", declared):
        return pa.decimal128(int(match[1]), int(match[2]))
    return _TYPES[declared]


def arrow_schema(of: Contract) -> pa.Schema:
    """The Arrow schema of a table, without its partition column."""
    return pa.schema([pa.field(c.name, arrow_type(c.type), nullable=True) for c in of.columns])


@cache
def staged_schema(table: str) -> pa.Schema:
    """What is published of a staged table."""
    return arrow_schema(contract(table))


@cache
def suspect_schema(table: str) -> pa.Schema:
    """Accepted rows that may have a duplicate: with what a rejection would need."""
    return pa.schema([*staged_schema(table), pa.field("element", pa.int32()), pa.field("raw", RAW)])


@cache
def refused_schema() -> pa.Schema:
    """Rejected and set-aside rows of one run and table."""
    fields = [f for f in arrow_schema(contract("audit.rejected_rows")) if f.name not in ("run_id", "table_name")]
    return pa.schema([f.with_type(RAW) if f.name == "raw" else f for f in fields])


def table_of(rows: Sequence[tuple[Any, ...]], schema: pa.Schema) -> pa.Table:
    """Python tuples as a table."""
    columns: Iterable[Sequence[Any]] = zip(*rows, strict=True) if rows else ([] for _ in schema)
    return pa.table([_array(c, f.type) for c, f in zip(columns, schema, strict=True)], schema=schema)


def _array(values: Sequence[Any], of: pa.DataType) -> pa.Array:
    if of != RAW:
        return pa.array(values, of)
    places: dict[str, int] = {}
    numbers = [places.setdefault(text, len(places)) for text in values]
    return pa.DictionaryArray.from_arrays(pa.array(numbers, pa.int32()), pa.array(list(places), pa.string()))


def compact(rows: pa.Table) -> pa.Table:
    """The same rows; their `raw` keeps only the texts that they have, each once."""
    if not len(rows):
        return rows.schema.empty_table()
    place = rows.schema.get_field_index("raw")
    raw = rows.select(["raw"]).unify_dictionaries().combine_chunks()["raw"].chunk(0)
    used, numbers = np.unique(raw.indices.to_numpy(), return_inverse=True)
    made = pa.DictionaryArray.from_arrays(pa.array(numbers, pa.int32()), raw.dictionary.take(pa.array(used)))
    return rows.set_column(place, rows.schema.field(place), made)


def text_bytes(raw: pa.ChunkedArray) -> np.ndarray:
    """How many bytes the text of each row of a column `raw` has."""
    sizes = [pc.binary_length(chunk.dictionary).take(chunk.indices).to_numpy() for chunk in raw.chunks]
    return np.concatenate([np.zeros(0, np.int64), *sizes])
