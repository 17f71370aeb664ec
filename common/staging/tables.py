"""Arrow tables of staged, suspect and refused rows; their columns come from the contracts."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import cache
from typing import Any

import pyarrow as pa

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
    return pa.schema([*staged_schema(table), pa.field("element", pa.int32()), pa.field("raw", pa.string())])


@cache
def refused_schema() -> pa.Schema:
    """Rejected and set-aside rows of one run and table."""
    return pa.schema([f for f in arrow_schema(contract("audit.rejected_rows")) if f.name not in ("run_id", "table_name")])


def table_of(rows: Sequence[tuple[Any, ...]], schema: pa.Schema) -> pa.Table:
    """Python tuples as a table."""
    columns: Iterable[Sequence[Any]] = zip(*rows, strict=True) if rows else ([] for _ in schema)
    return pa.table([pa.array(c, f.type) for c, f in zip(columns, schema, strict=True)], schema=schema)
