"""A table of an older version meets a newer contract: columns anywhere new, one gone, and no date is lost."""

import io
from dataclasses import replace
from datetime import date

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from common.clients.metastore import Metastore, Partition
from common.contracts import contract
from common.errors import Misconfigured

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


def test_a_table_that_the_metastore_does_not_know_is_a_clear_refusal(metastore):
    with pytest.raises(Misconfigured, match=f"the metastore refused to publish scratch.nowhere of {DAY}: .*nowhere"):
        metastore.point("scratch.nowhere", DAY, "/tests/nowhere", {})


class Late(Metastore):
    """The lake's metastore; each new partition is there by the time that it is asked to add it, as after a call timed out."""

    def _once(self, verb, action):
        return super()._once(verb, lambda client: action(_Landed(client)))


class _Landed:
    def __init__(self, client):
        self._client = client

    def __getattr__(self, name):
        return getattr(self._client, name)

    def add_partition(self, new):
        self._client.add_partition(new)
        return self._client.add_partition(new)


def test_a_date_whose_first_call_landed_late_is_read_back(settings, metastore, older):
    late = Late(settings.service("METASTORE_URI"), settings.service("HDFS_URL"), retry_seconds=5)
    late.ensure_tables([(older, "/tests/grown/none")])
    asked = []
    late.point("scratch.grown", DAY, "/tests/grown/late", {"mine": "yes"}, lambda: asked.append(1))
    found = metastore.partition("scratch.grown", DAY)
    assert found == Partition("/tests/grown/late", {**found.parameters, "mine": "yes"})
    assert len(asked) == 2, "the lock is looked at before each try"
