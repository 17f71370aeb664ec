"""A table of an older version meets a newer contract: columns anywhere new, one gone, and no date is lost."""

import io
from dataclasses import replace
from datetime import date

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from common.contracts import contract

DAY, NEXT = date(1949, 3, 1), date(1949, 3, 2)


@pytest.fixture
def older(metastore):
    stores = contract("staging.stores")
    named = {column.name: column for column in stores.columns}
    yield replace(stores, schema="scratch", table="grown", columns=(named["store_id"], named["name"]))
    metastore.drop_table("scratch", "grown")


def parquet(**columns):
    out = io.BytesIO()
    pq.write_table(pa.table(columns), out)
    return out.getvalue()


def test_columns_come_and_go_and_every_date_is_still_read(hdfs, metastore, trino, older):
    named = {column.name: column for column in contract("staging.stores").columns}
    newer = replace(older, columns=(named["is_active"], named["store_id"]))
    for day, shape, rows in (
        (DAY, older, parquet(store_id=["1"], name=["first"])),
        (NEXT, newer, parquet(is_active=[True], store_id=["2"])),
    ):
        hdfs.write(f"/tests/grown/{day}/0.parquet", rows, overwrite=True)
        metastore.ensure_tables([(shape, "/tests/grown/none")])
        metastore.point("scratch.grown", day, f"/tests/grown/{day}", {})
    found = trino.rows("select business_date, store_id, name, is_active from hive.scratch.grown order by 1")
    assert found == [(DAY, "1", "first", None), (NEXT, "2", None, True)]
