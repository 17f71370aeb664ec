"""A world whose rows lie in the lake: more of them than a statement can hold, and read as often as a model likes."""

from __future__ import annotations

import io
import secrets
from collections.abc import Mapping
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from planning_world import World, relation

from common.clients.hdfs import Hdfs
from common.clients.trino import Trino


class StoredWorld(World):
    """A context manager: at its end the tables and their files are gone."""

    def __init__(self, trino: Trino, hdfs: Hdfs) -> None:
        super().__init__()
        self._trino, self._hdfs, self._mark = trino, hdfs, f"world_{secrets.token_hex(6)}"
        self._names: list[str] = []

    def __enter__(self) -> StoredWorld:
        return self

    def __exit__(self, *_: object) -> None:
        for name in self._names:
            self._trino.execute(f"drop table if exists hive.scratch.{name}")
        self._hdfs.delete(self._root)

    @property
    def _root(self) -> str:
        return f"/tests/stored_world/{self._mark}"

    def relation(self, table: str, rows: list[dict[str, Any]]) -> str:
        return relation(table, rows, self._stored) if rows else relation(table, rows)

    def _stored(self, columns: Mapping[str, str], rows: list[tuple[Any, ...]]) -> str:
        name = f"{self._mark}_{len(self._names)}"
        self._names.append(name)
        kinds = {column: pa.string() if kind == "varchar" else pa.list_(pa.string()) for column, kind in columns.items()}
        values = dict(zip(columns, zip(*rows, strict=True), strict=True))
        file = io.BytesIO()
        pq.write_table(pa.table({column: pa.array(values[column], kind) for column, kind in kinds.items()}), file)
        self._hdfs.write(f"{self._root}/{name}/rows.parquet", file.getvalue())
        place = f"{self._hdfs.url.rstrip('/')}{self._root}/{name}"
        listed = ", ".join(f"{column} {kind}" for column, kind in columns.items())
        self._trino.execute(
            f"create table hive.scratch.{name} ({listed}) with (format = 'PARQUET', external_location = '{place}')"
        )
        return f"hive.scratch.{name}"
