"""The planning stages on the real lake: private results, one stage alone over what is published, a night that must stop."""

from __future__ import annotations

import itertools
import json
from argparse import Namespace
from datetime import date

import pytest

from common.clients.trino import Trino
from common.contracts import contract
from common.errors import Failure
from common.planning import MODELS, exceptions_window, facts_of
from common.publish.run import Clients, Run
from common.stages import stage
from common.staging.snapshots import latest

DAY = date(2017, 12, 23)
STAGES = ("net_demand", "purchase_orders", "exceptions")


@pytest.fixture
def run(demo, settings):
    """A run of the demo's date that publishes nothing; its scratch tables and files are removed."""
    made = Run(Clients(settings), DAY, 900_000 + next(_numbers), Namespace(quiet=True))
    yield made
    for pending in made.pending.values():
        made.trino.execute(f"drop table if exists {pending.reference.rpartition(' ')[2].rstrip(')')}")
        made.hdfs.delete(pending.location)


_numbers = itertools.count()


def checksum(trino, relation, table):
    """Count and an order-free checksum of a table's rows."""
    columns = ", ".join(c.name for c in contract(table).columns)
    return trino.rows(f"select count(*), checksum(row({columns})) from {relation} where business_date = date '{DAY}'")


def test_a_night_reads_its_own_results_and_gives_the_same(run, settings):
    """Built again, unpublished: each model reads the results before it, and all are what is published."""
    for name in STAGES:
        built = stage(name).build(run, stage(name).reads(run))
        assert set(built.tables) == set(stage(name).writes)
    trino = Trino(settings.service("TRINO_URL"), settings["trino.user"])
    # nothing was released before the demo's date, so that it has no open orders
    assert set(run.pending) == {f"planning.{model}" for model in MODELS} - {"planning.open_orders"}
    for table in run.pending:
        assert checksum(trino, run.pending[table].reference, table) == checksum(trino, f"hive.{table}", table)
        assert run.published(table).location != run.pending[table].location


def test_one_stage_alone_reads_what_is_published(run):
    built = stage("purchase_orders").build(run, stage("purchase_orders").reads(run))
    assert built.rows["ordered"] == run.trino.one(
        f"select count(*) from hive.planning.purchase_order_lines where business_date = date '{DAY}'"
    )


def test_a_statement_that_is_sent_twice_can_not_write_twice(run, monkeypatch):
    """The client repeats a request whose answer was lost; the target is the run's own and exists by then."""
    stage("net_demand").build(run, stage("net_demand").reads(run))
    monkeypatch.setattr(run, "private_dir", lambda table: run.pending[table].location)
    with pytest.raises(Failure, match="already exists"):
        stage("net_demand").build(run, stage("net_demand").reads(run))


def test_the_history_is_pinned(run, settings):
    inputs = stage("exceptions").reads(run)
    facts = facts_of(run, inputs)
    names = {item.name for item in inputs}
    assert len(names) == len(inputs)
    assert sum(name.startswith("staging.pos_order_lines/") for name in names) == settings["planning.history_days"] + 1
    assert facts.published_days == settings["planning.history_days"]
    assert facts.previous_stock_dates == (date(2017, 12, 22),)
    assert facts.order_lines_run and facts.stock_run


def test_the_stock_is_pinned_as_far_back_as_a_warehouse_was_silent(run, metastore):
    """As stage_stock looks back: a night without a warehouse does not make its next snapshot its first."""
    window = exceptions_window(run)
    published = [day for day in map(str, window) if day in metastore.partitions("staging.warehouse_stock")]
    assert [item.name for item in latest(run, ["NOBODY"], window)] == [f"staging.warehouse_stock/{d}" for d in published[::-1]]
    assert latest(run, [], window) == []


def test_a_missing_store_stops_the_night_where_it_is_set_to(demo, submit, settings):
    trino = Trino(settings.service("TRINO_URL"), settings["trino.user"])
    before = [checksum(trino, f"hive.planning.{model}", f"planning.{model}") for model in MODELS]
    stopped = submit("exceptions", DAY, "--set", "planning.missing_store_stops=true")
    assert stopped.returncode == 65, stopped.stderr
    assert "stores that were expected" in stopped.stderr and "next:" in stopped.stderr
    assert [checksum(trino, f"hive.planning.{model}", f"planning.{model}") for model in MODELS] == before


def test_every_sku_of_the_demo_has_one_outcome(demo, submit, trino):
    skus, products = trino.rows(
        f"select (select count(*) from hive.planning.order_decisions where business_date = date '{DAY}'),"
        f" (select count(*) from hive.staging.products where business_date = date '{DAY}')"
    )[0]
    stages = json.loads(submit("status", DAY, "--json").stdout)["runs"]
    rows = {row["stage"]: row["rows"] for row in stages if row["status"] == "succeeded"}
    assert skus == products == sum(rows["purchase_orders"].values()) == rows["net_demand"]["skus"]
