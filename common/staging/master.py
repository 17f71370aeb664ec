"""Master tables: from the CSV of a PostgreSQL COPY to typed columns, exactly. A value that does not fit stops the night."""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv

from common.contracts import Contract, all_contracts, contract
from common.errors import BadData
from common.landing.describe import RawFile
from common.staging.attempts import Attempt
from common.staging.counts import Counts
from common.staging.lines import csv_header
from common.staging.pieces import pieces_of, read_whole
from common.staging.tables import arrow_schema
from common.staging.tasks import Report, hdfs_of


def tables() -> list[str]:
    """The staged master tables: those whose raw file is a table of the snapshot."""
    return [c.name for c in all_contracts() if c.schema == "staging" and c.raw and c.raw.path.startswith("/raw/master/")]


def typed(table: str, file: str, data: bytes) -> tuple[pa.Table, list[str]]:
    """The rows of a COPY ... CSV HEADER, and the columns that the contract does not know; BadData with the place."""
    of = contract(table)
    schema = arrow_schema(of)
    added = of.raw.added if of.raw else ()
    header = csv_header(file, data.split(b"\n", 1)[0], [name for name in schema.names if name not in added])
    try:
        rows = pacsv.read_csv(
            pa.BufferReader(data),
            pacsv.ReadOptions(use_threads=False),
            pacsv.ParseOptions(newlines_in_values=True),
            pacsv.ConvertOptions(
                column_types={name: schema.field(name).type for name in schema.names},
                include_columns=schema.names,
                include_missing_columns=True,
                null_values=[""],
                strings_can_be_null=True,
                quoted_strings_can_be_null=False,
                true_values=["t"],
                false_values=["f"],
            ),
        )
    except pa.ArrowInvalid as error:
        raise BadData(f"{file} can't be read as {table}: {error}", where=file, next=_AGAIN) from None
    for column in of.columns:
        if not column.nullable and rows[column.name].null_count:
            raise BadData(f"{file}: {column.name} is empty in {rows[column.name].null_count} rows", where=file, next=_AGAIN)
    _one_row_a_key(rows, of, file)
    return rows.cast(schema), [name for name in header if name not in schema.names]


def _one_row_a_key(rows: pa.Table, of: Contract, file: str) -> None:
    """BadData where the contract's grain names more than one row: PostgreSQL's own keys were not there to prevent it."""
    copies = rows.group_by(of.grain, use_threads=False).aggregate([([], "count_all")])
    doubled = copies.filter(pc.greater(copies["count_all"], 1)).sort_by([(name, "ascending") for name in of.grain])
    if len(doubled):
        key = ", ".join(f"{name} {doubled[name][0]}" for name in of.grain)
        raise BadData(f"{file}: the key names one row, but {len(doubled)} have several: {key}", where=file, next=_AGAIN)


def shares(work: Sequence[tuple[str, RawFile | None]], tasks: int) -> list[list[tuple[str, RawFile | None]]]:
    """The tables and their files dealt out to at most so many tasks, the largest first."""
    dealt = sorted(work, key=lambda item: item[1].size if item[1] else 0, reverse=True)
    return [share for n in range(tasks) if (share := dealt[n::tasks])]


def stage_tables(hdfs_url: str, folder: str, share: Sequence[tuple[str, RawFile | None]], attempts: str, task: str) -> Report:
    """Some master tables, in one Spark task; files of a kind named like the table. No raw file, no rows."""
    hdfs, counts = hdfs_of(hdfs_url), {table: Counts() for table, _ in share}
    attempt = Attempt(hdfs, attempts, task)
    try:
        for table, raw in share:
            if raw is None:
                continue
            data = b"".join(read_whole(hdfs, piece) for piece in pieces_of(folder, [raw], ()))
            rows, extra = typed(table, raw.name, data)
            attempt.write(table, rows.sort_by([(name, "ascending") for name in contract(table).grain]))
            counts[table] = Counts(read=len(rows), accepted=len(rows), extra=set(extra))
        return Report(attempt.close(), counts)
    except BadData as fault:
        return Report(fault=fault)


def file_of(files: Sequence[RawFile], table: str, folder: str) -> RawFile | None:
    """The snapshot's file of a table; None where a snapshot from before there was such a table lacks it, else BadData."""
    name = f"{table.split('.')[1]}.csv"
    found = next((f for f in files if f.name == name), None)
    raw = contract(table).raw
    if found is None and not (raw and raw.may_be_missing):
        raise BadData(f"the master snapshot has no {name}", where=folder, next=_AGAIN)
    return found


_AGAIN = "./submit.sh snapshot_master DATE --refresh-master"
