"""Rejected and set-aside rows go to the Delta table `audit.rejected_rows`, keyed by run.

They are appended before the run publishes. When it does not, they are rows of a run that is not published: only the
published run's rows count.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from common.contracts import contract
from common.publish.delta_tables import append, ensure_delta_table
from common.publish.run import Run
from common.staging.attempts import REFUSED, Written
from common.staging.tables import text_bytes

TABLE = "audit.rejected_rows"
# a commit, so that memory does not depend on how dirty the day is: Spark takes each row's text on its own
_COMMIT_ROWS, _COMMIT_BYTES = 200_000, 64 << 20


def record(run: Run, table: str, folder: str, files: Sequence[Written]) -> None:
    """Appends the rows that the tasks refused; makes the empty table when it was never there."""
    ensure_delta_table(run, contract(TABLE))
    for rows in _commits(run, folder, [f for f in files if f.kind == REFUSED]):
        size = len(rows)
        keyed = {
            "run_id": pa.array([run.run_id] * size, pa.int64()),
            "table_name": pa.array([table] * size, pa.string()),
            **{name: rows[name] for name in rows.column_names},
            "business_date": pa.array([run.day] * size, pa.date32()),
        }
        append(run, contract(TABLE), pa.table(keyed))


def _commits(run: Run, folder: str, files: Sequence[Written]) -> Iterator[pa.Table]:
    return portions(pq.read_table(pa.BufferReader(run.hdfs.read(f"{folder}/{file.name}"))) for file in files)


def portions(tables: Iterable[pa.Table], most_rows: int = _COMMIT_ROWS, most_bytes: int = _COMMIT_BYTES) -> Iterator[pa.Table]:
    """All refused rows in order, in tables of at most so many rows and bytes of raw text, at least one row each."""
    some: list[pa.Table] = []
    rows = size = 0
    for table in tables:
        ends, start = np.cumsum(text_bytes(table["raw"])), 0
        while start < len(table):
            before = int(ends[start - 1]) if start else 0
            fitting = int(np.searchsorted(ends, before + most_bytes - size, "right"))
            end = min(fitting, start + most_rows - rows)
            if end <= start and some:  # the next row belongs to the next portion
                yield pa.concat_tables(some)
                some, rows, size = [], 0, 0
                continue
            end = max(end, start + 1)
            some.append(table.slice(start, end - start))
            rows, size, start = rows + end - start, size + int(ends[end - 1]) - before, end
    if some:
        yield pa.concat_tables(some)
