"""Options of a plan: what turns them on, and that an option nobody uses changes nothing."""

from __future__ import annotations

from dataclasses import replace

import pytest
from planning_cases import cases, frame, place
from planning_world import FACTS, World, plan

from common.contracts import contract
from common.errors import Misconfigured
from common.planning import MODELS, model_text, tables_read
from common.planning_options import MASTER_TABLES, OPTIONS, chosen_text, filled_columns, options_of
from common.settings import load_settings

OWN = ("policy", "'day'", "weekdays", "level", "maximum", "max_", "minimum", "spike")


def test_nothing_is_on_by_default():
    assert options_of(load_settings(), set()) == frozenset()
    assert options_of(load_settings(), {"suppliers.lead_time_days", "products.pack_size"}) == frozenset()


@pytest.mark.parametrize(
    ("filled", "settings", "on"),
    [
        ({"product_suppliers.currency"}, {}, {"currency"}),
        ({"replenishment_rules.max_order_qty"}, {}, {"maximum", "own_terms"}),
        (set(), {"planning.max_order_qty": 100}, {"maximum", "own_terms"}),
        (set(), {"planning.supplier_minimum": "fill"}, set()),
        (set(), {"planning.minimum_order_units": 5}, set()),
        (set(), {"planning.supplier_minimum": "fill", "planning.minimum_order_units": 5}, {"minimum", "own_terms", "history"}),
        ({"suppliers.minimum_action"}, {"planning.minimum_order_value": 5}, {"minimum", "own_terms", "history"}),
        ({"product_suppliers.pallet_size"}, {}, set()),
        (set(), {"planning.level_share_percent": 10}, set()),
        ({"product_suppliers.pallet_size"}, {"planning.level_share_percent": 10}, {"levels", "own_terms"}),
        ({"product_suppliers.pallet_size", "suppliers.level_share_percent"}, {}, {"levels", "own_terms"}),
    ],
)
def test_a_setting_or_a_value_in_master_data_turns_it_on(filled, settings, on):
    assert options_of(dict(load_settings()) | settings, filled) == on


def test_a_part_is_there_only_when_it_is_on():
    text = "a\n  -- when on: levels\n  b\n  -- when off: levels\n  c\n  -- end\n-- when on: maximum\nd\n-- end\ne\n"
    assert chosen_text(text, {"levels"}) == "a\n  b\ne\n"
    assert chosen_text(text, {"maximum"}) == "a\n  c\nd\ne\n"


@pytest.mark.parametrize("text", ["-- when on: levles\nb\n-- end\n", "-- when on: levels\nb\n", "b\n-- end\n"])
def test_a_part_that_is_misspelled_or_open_is_an_error(text):
    with pytest.raises(Misconfigured):
        chosen_text(text, set())


@pytest.mark.parametrize("model", MODELS)
def test_without_options_a_model_reads_no_more_than_it_needs(model):
    assert set(tables_read(model, ())) <= set(tables_read(model))
    assert "-- when" not in chosen_text(model_text(model), ())


def test_an_option_that_nobody_uses_changes_nothing(trino):
    """All of them planned, none used: the same rows as with every option's text left out."""
    world = frame(World())
    for case in cases("order_decisions"):
        texts = str(case.given)
        if case.alone is None and "EUR" not in texts and not any(f"{name}" in texts for name in OWN):
            place(world, case)
    everything = frozenset(f"{table}.{column.name}" for table in MASTER_TABLES for column in contract(f"staging.{table}").columns)
    assert options_of(load_settings(), everything) == OPTIONS and not options_of(load_settings(), world.filled())
    rows = [
        plan(trino, world, "order_decisions", replace(FACTS, filled=filled))["order_decisions"]
        for filled in (frozenset(world.filled()), everything)
    ]
    assert len(rows[0]) > 50
    without, planned = ({row["sku"]: row for row in of} for of in rows)
    differing = {(sku, name) for sku in without for name in without[sku] if without[sku][name] != planned[sku][name]}
    assert without.keys() == planned.keys() and not differing


def test_what_master_data_sets_is_read_from_the_files(hdfs):
    import pyarrow as pa

    from common.staging.attempts import parquet
    from common.staging.tables import staged_schema

    schema = staged_schema("staging.suppliers")
    empty = {name: [None] for name in schema.names}
    location = "/tests/filled_columns"
    hdfs.delete(location)
    for number, row in enumerate(({"supplier_id": ["A"]}, {"supplier_id": ["B"], "policy": ["order_up_to"]})):
        hdfs.write(f"{location}/{number}.parquet", parquet(pa.table(empty | row, schema=schema)))
    assert filled_columns(hdfs, location) == {"supplier_id", "policy"}
    hdfs.delete(location)
