"""What a task writes: Parquet files with names of its own, of which the driver takes only the returned ones.

A task that was retried, lost or run twice leaves files that nobody was told of: they stay in the attempts' directory,
which is no table, and go with it.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial

import pyarrow as pa
import pyarrow.parquet as pq

from common.clients.hdfs import Hdfs
from common.publish.barrier import barrier
from common.staging.tables import compact

ACCEPTED, SUSPECT, REFUSED = "accepted", "suspect", "refused"
_WRITERS = 4
_ROW_GROUP_ROWS = 131_072  # rows lie by SKU: a query of one SKU reads one row group of a file, and few pages of it
# columns whose values repeat within a file; order ids, once sorted by SKU, do not
_DICTIONARY = ("store_id", "warehouse_id", "sku", "source_file", "action", "reasons.list.element", "line_no", "quantity", "raw")
_RAW_BYTES = 1 << 30  # raw text goes into its file as a dictionary whatever its size: it is never spelled out in memory


@dataclass(frozen=True)
class Written:
    """A file of an attempt: its name, what kind of rows, how many; of suspects, which bucket of groups."""

    name: str
    kind: str
    rows: int
    part: int = 0


class Attempt:
    """The files of one attempt of one task. HDFS makes a writer wait when it closes a file, so they are written aside."""

    def __init__(self, hdfs: Hdfs, folder: str, task: str) -> None:
        self._hdfs, self._folder = hdfs, folder
        self._prefix = f"{task}-{uuid.uuid4().hex[:8]}"
        self._pool = ThreadPoolExecutor(_WRITERS)
        self._files: list[Written] = []
        self._running: list[Future[None]] = []

    def write(self, kind: str, table: pa.Table, part: int = 0) -> None:
        """Adds a file with these rows; no rows, no file."""
        if not len(table):
            return
        name = f"{self._prefix}-{len(self._files)}.{kind}.parquet"
        self._files.append(Written(name, kind, len(table), part))
        self._running.append(self._pool.submit(self._hdfs.write, f"{self._folder}/{name}", partial(_halves, parquet(table))))

    def close(self) -> list[Written]:
        """Waits until all files are whole; raises what a writer raised."""
        try:
            for running in self._running:
                running.result()
        finally:
            self._pool.shutdown()
        return self._files


def parquet(table: pa.Table) -> bytes:
    """A table as one Parquet file."""
    sink = pa.BufferOutputStream()
    has_raw = "raw" in table.column_names
    pq.write_table(
        compact(table) if has_raw else table,
        sink,
        row_group_size=_ROW_GROUP_ROWS,
        version="2.6",
        use_dictionary=[c for c in _DICTIONARY if c.split(".")[0] in table.column_names],
        dictionary_pagesize_limit=_RAW_BYTES if has_raw else None,
        compression="zstd",
        compression_level=1,
        coerce_timestamps="us",
        store_decimal_as_integer=True,
        write_page_index=True,
    )
    data: bytes = sink.getvalue().to_pybytes()
    return data


def _halves(data: bytes) -> Iterator[bytes]:
    """A file in two parts, with the point between them at which a drill kills the task."""
    middle = len(data) // 2
    yield data[:middle]
    barrier("staging_task")
    yield data[middle:]


def take(hdfs: Hdfs, folder: str, files: Sequence[Written], target: str, kind: str = ACCEPTED) -> int:
    """Moves the returned files of one kind into the run's directory; returns their rows. An empty day has an empty one."""
    hdfs.mkdirs(target)
    chosen = [f for f in files if f.kind == kind]
    with ThreadPoolExecutor(_WRITERS) as pool:
        for done in [pool.submit(hdfs.rename, f"{folder}/{f.name}", f"{target}/{f.name}") for f in chosen]:
            done.result()
    return sum(f.rows for f in chosen)
