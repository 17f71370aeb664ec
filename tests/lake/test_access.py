"""Everybody may read the tables; only the pipeline's own user may change them."""

import pytest

from common.clients.trino import Trino
from common.errors import Failure

FORBIDDEN = (
    "insert into {table} values (2, date '2020-01-02')",
    "delete from {table} where business_date = date '2020-01-01'",
    "truncate table {table}",
    "drop table {table}",
    "alter table {table} rename to {table}_2",
    "alter table {table} add column m bigint",
    "comment on table {table} is 'mine'",
    "analyze {table}",
    "grant select on {table} to user somebody",
    "create table hive.scratch.mine as select 1 as n",
    "create view hive.scratch.mine as select 1 as n",
    "create schema hive.mine",
    "call hive.system.sync_partition_metadata('scratch', '{name}', 'ADD')",
    "call hive.system.create_empty_partition('scratch', '{name}', array['business_date'], array['2020-01-02'])",
    "call delta.system.register_table('audit', 'mine', '{place}')",
    "create table delta.audit.mine with (location = '{place}_d') as select 1 as n",
    "create table postgresql.public.mine as select 1 as n",
    "call postgresql.system.execute(query => 'create table public.mine (n int)')",
    "select * from table(postgresql.system.query(query => 'select 1 as n'))",
)


@pytest.fixture(scope="module")
def table(settings, trino, hdfs, worker_id):
    """A table of one row, and its place."""
    name = f"access_{worker_id}"
    place = f"{settings.service('HDFS_URL')}/warehouse/_checks/{name}"
    trino.execute(
        f"create table hive.scratch.{name} (n bigint, business_date date)"
        f" with (format = 'PARQUET', partitioned_by = array['business_date'], external_location = '{place}')"
    )
    trino.execute(f"insert into hive.scratch.{name} values (1, date '2020-01-01')")
    yield name, place
    trino.execute(f"drop table hive.scratch.{name}")
    hdfs.delete(f"/warehouse/_checks/{name}")


@pytest.fixture(scope="module")
def somebody(settings):
    return Trino(settings.service("TRINO_URL"), "somebody")


def test_somebody_may_read(table, somebody):
    assert somebody.one(f"select n from hive.scratch.{table[0]}") == 1
    assert somebody.one("select count(*) from postgresql.information_schema.tables") > 0


@pytest.mark.parametrize("statement", FORBIDDEN, ids=lambda s: " ".join(s.split()[:3]))
def test_somebody_may_not_change_anything(table, somebody, trino, statement):
    name, place = table
    with pytest.raises(Failure, match="Access Denied"):
        somebody.execute(statement.format(table=f"hive.scratch.{name}", name=name, place=place))
    assert trino.one(f"select count(*) from hive.scratch.{name}") == 1
