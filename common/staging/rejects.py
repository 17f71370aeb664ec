"""Rejected and set-aside rows go to the Delta table `audit.rejected_rows`, keyed by run.

They are appended before the run publishes. When it does not, they are rows of a run that is not published: only the
published run's rows count.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pyarrow as pa
import pyarrow.parquet as pq

from common.contracts import contract
from common.publish.delta_tables import append, ensure_delta_table
from common.publish.run import Run
from common.staging.attempts import REFUSED, Written

TABLE = "audit.rejected_rows"
_COMMIT_ROWS = 200_000  # rows a commit, so that the driver's memory does not depend on how dirty the day is


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
    some: list[pa.Table] = []
    for file in files:
        some.append(pq.read_table(pa.BufferReader(run.hdfs.read(f"{folder}/{file.name}"))))
        if sum(map(len, some)) >= _COMMIT_ROWS:
            yield pa.concat_tables(some)
            some = []
    if some:
        yield pa.concat_tables(some)
