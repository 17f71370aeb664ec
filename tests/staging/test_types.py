"""A row of every type, from each writer to each reader: the same values, the same instants."""

from __future__ import annotations

import io
import uuid
from datetime import UTC, date, datetime
from decimal import Decimal

import duckdb
import pyarrow.parquet as pq
import pytest

from common.contracts import parse
from common.publish.run import Clients
from common.staging.attempts import parquet
from common.staging.tables import arrow_schema, table_of

CONTRACT = parse(
    """
description: A row of every type.
grain: [n]
owner: spark
columns:
  - {name: n, type: integer, description: number}
  - {name: text, type: varchar, nullable: true, description: text}
  - {name: flag, type: boolean, nullable: true, description: flag}
  - {name: units, type: bigint, nullable: true, description: units}
  - {name: day, type: date, nullable: true, description: day}
  - {name: moment, type: timestamp(6), nullable: true, description: moment}
  - {name: price, type: "decimal(12,2)", nullable: true, description: price}
  - {name: total, type: "decimal(38,2)", nullable: true, description: total}
  - {name: reasons, type: array(varchar), nullable: true, description: reasons}
""",
    "staging",
    "every_type",
    "test",
)
ROWS = [
    (1, "Ünï-✓ \u2028\U0001f600", True, 2**63 - 1, date(2017, 12, 23), datetime(2017, 12, 24, 4, 59, 59, 999999, UTC),
     Decimal("9999999999.99"), Decimal("9" * 36 + ".99"), ["a", "b"]),
    (2, "", False, -(2**63), date(1970, 1, 1), datetime(1969, 12, 31, 23, 59, 59, 1, UTC), Decimal("0.00"), Decimal("-0.01"), []),
    (3, "x", True, 9007199254740993, date(2100, 2, 28), datetime(2017, 3, 12, 7, 30, 0, 0, UTC),
     Decimal("0.10"), Decimal("1.00"), ["c"]),
    (4, None, None, None, None, None, None, None, None),
]  # fmt: skip
NAMES = [c.name for c in CONTRACT.columns]


@pytest.fixture(scope="module")
def world(settings):
    """Clients, and the row of every type in a directory a writer: Arrow (as a task does), Spark, Trino."""
    clients = Clients(settings)
    mark = uuid.uuid4().hex[:8]
    root = f"/tmp/types-{mark}"
    clients.hdfs.write(f"{root}/arrow/0.parquet", parquet(table_of(ROWS, arrow_schema(CONTRACT))))
    names = {writer: f"types_{writer}_{mark}" for writer in ("arrow", "spark", "trino")}
    clients.trino.execute("create schema if not exists hive.scratch")
    clients.metastore.create_scratch(CONTRACT, names["arrow"], f"{root}/arrow")
    url = settings.service("HDFS_URL")
    clients.spark.read.parquet(f"{url}{root}/arrow").write.parquet(f"{url}{root}/spark")
    clients.metastore.create_scratch(CONTRACT, names["spark"], f"{root}/spark")
    clients.trino.execute(
        f"create table hive.scratch.{names['trino']} with (format = 'PARQUET', external_location = '{url}{root}/trino')"
        f" as select * from hive.scratch.{names['arrow']}"
    )
    yield clients, root, names
    for name in names.values():
        clients.metastore.drop_table("scratch", name)
    clients.hdfs.delete(root)


def sorted_rows(rows):
    return sorted((tuple(row) for row in rows), key=lambda row: row[0])


def with_utc(rows):
    """Readers that give an instant without a zone give it in UTC."""
    fixed = [[v.replace(tzinfo=UTC) if isinstance(v, datetime) and v.tzinfo is None else v for v in row] for row in rows]
    return sorted_rows([tuple(v.astimezone(UTC) if isinstance(v, datetime) else v for v in row) for row in fixed])


@pytest.mark.parametrize("writer", ["arrow", "spark", "trino"])
class TestReaders:
    def test_trino(self, world, writer):
        clients, _, names = world
        rows = clients.trino.execute(f"select {', '.join(NAMES)} from hive.scratch.{names[writer]}")
        assert with_utc(rows) == ROWS
        moments = clients.trino.execute(f"select cast(moment as varchar) from hive.scratch.{names[writer]} order by n limit 1")
        assert [list(row) for row in moments] == [["2017-12-24 04:59:59.999999"]]

    def test_spark(self, world, writer):
        clients, root, _ = world
        frame = clients.spark.read.parquet(f"{clients.settings.service('HDFS_URL')}{root}/{writer}")
        if writer != "trino":  # Trino's files carry instants without the mark that they are UTC
            assert dict(frame.dtypes)["moment"] == "timestamp"
        rows = frame.selectExpr(
            *(n if n != "moment" else "date_format(moment, 'yyyy-MM-dd HH:mm:ss.SSSSSS') as moment" for n in NAMES)
        )
        found = sorted_rows(rows.collect())
        expected = [[v.strftime("%Y-%m-%d %H:%M:%S.%f") if isinstance(v, datetime) else v for v in row] for row in ROWS]
        assert found == [tuple(row) for row in expected]

    def test_duckdb(self, world, writer, tmp_path):
        clients, root, _ = world
        for entry in clients.hdfs.list(f"{root}/{writer}"):
            if not entry.name.startswith(("_", ".")) and entry.size:
                (tmp_path / f"{entry.name}.parquet").write_bytes(clients.hdfs.read(entry.path))
        db = duckdb.connect()
        db.execute("set timezone = 'UTC'")
        shown = ", ".join("strftime(moment, '%Y-%m-%d %H:%M:%S.%f')" if n == "moment" else n for n in NAMES)
        found = sorted_rows(db.execute(f"select {shown} from '{tmp_path}/*.parquet'").fetchall())
        expected = [[v.strftime("%Y-%m-%d %H:%M:%S.%f") if isinstance(v, datetime) else v for v in row] for row in ROWS]
        assert found == [tuple(row) for row in expected]

    def test_arrow(self, world, writer):
        clients, root, _ = world
        rows = []
        for entry in clients.hdfs.list(f"{root}/{writer}"):
            if not entry.name.startswith(("_", ".")) and entry.size:
                rows += pq.read_table(io.BytesIO(clients.hdfs.read(entry.path))).select(NAMES).to_pylist()
        assert with_utc(row.values() for row in rows) == ROWS


def test_a_timestamp_of_a_task_is_an_instant_in_the_file():
    """UTC-adjusted INT64 microseconds, never INT96, never local time: what Spark reads as TIMESTAMP."""
    data = parquet(table_of(ROWS, arrow_schema(CONTRACT)))
    column = pq.ParquetFile(io.BytesIO(data)).schema.column(NAMES.index("moment"))
    assert column.physical_type == "INT64"
    assert "isAdjustedToUTC=true" in str(column.logical_type)
    assert "timeUnit=microseconds" in str(column.logical_type)
