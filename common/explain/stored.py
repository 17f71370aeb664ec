"""The rows that a run has stored: Parquet files of a run's directory, read where they lie.

A directory is read rather than the published table, so that all that is told of a decision comes from the very files that
its run wrote and read, whatever is published meanwhile. Of each row group only what is asked for is fetched.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from common.clients.hdfs import Hdfs
from common.errors import BadData, NoInput

Rows = list[dict[str, Any]]


def rows_where(hdfs: Hdfs, location: str, column: str, values: Iterable[str], columns: Iterable[str] | None = None) -> Rows:
    """The rows of a directory whose `column` is one of `values`; with only some columns, where they are named.

    A column that the files lack, as those of an older run may, is not in the rows.
    """
    wanted = pa.array(sorted(set(values)), pa.string())
    found: Rows = []
    if len(wanted):
        for file in _files(hdfs, location):
            for group in range(file.metadata.num_row_groups):
                found += _matching(file, group, column, wanted, columns)
    return found


def all_rows(hdfs: Hdfs, location: str, columns: Iterable[str]) -> Rows:
    """Some columns of every row of a directory."""
    return [row for file in _files(hdfs, location) for row in _read(file, None, columns).to_pylist()]


def has_rows(hdfs: Hdfs, location: str) -> bool:
    """Whether a directory has any row."""
    return any(file.metadata.num_rows for file in _files(hdfs, location))


def _files(hdfs: Hdfs, location: str) -> Iterable[pq.ParquetFile]:
    try:
        entries = hdfs.list(location)
    except NoInput:
        raise NoInput(
            "the rows that the run read are not kept any more (`retention` removes what is no longer published)",
            where=location,
            next="./submit.sh all DATE plans from what is published now",
        ) from None
    for entry in entries:
        if not entry.is_dir and not entry.name.startswith((".", "_")):
            try:
                yield pq.ParquetFile(pa.PythonFile(hdfs.open(entry.path), mode="r"))
            except pa.ArrowInvalid as error:
                raise BadData(f"this file is not whole: {error}", where=entry.path) from None


def _matching(file: pq.ParquetFile, group: int, column: str, wanted: pa.Array, columns: Iterable[str] | None) -> Rows:
    place = file.schema_arrow.names.index(column)
    known = file.metadata.row_group(group).column(place).statistics
    if known is not None and known.has_min_max and (known.max < wanted[0].as_py() or known.min > wanted[-1].as_py()):
        return []
    is_wanted = pc.is_in(_read(file, group, [column]).column(0), value_set=wanted)
    if not pc.any(is_wanted).as_py():
        return []
    return _read(file, group, columns).filter(is_wanted).to_pylist()


def _read(file: pq.ParquetFile, group: int | None, columns: Iterable[str] | None) -> pa.Table:
    """A row group, or the whole file; on this thread alone, since the reader calls back into Python."""
    have = file.schema_arrow.names
    names = have if columns is None else [name for name in columns if name in have]
    if group is None:
        return file.read(names, use_threads=False)
    return file.read_row_group(group, names, use_threads=False)
