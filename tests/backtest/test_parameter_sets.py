"""The three sets of parameters: what each changes of the demo's master data, by hand, and that none of it knows the future."""

from datetime import date, timedelta
from decimal import Decimal
from math import isqrt

import numpy as np
import pyarrow
import pytest

from common.backtest.left_out import World
from common.backtest.loop import Period
from common.backtest.masters import SETS, derived, staged
from common.backtest.sales import Sales

SKUS, BOOK, SOLD, DAYS = ["A", "B", "C"], np.array([3, 5, 7]), np.array([0, 30, 400]), 30
GIVEN = {
    "products": {"sku": SKUS, "name": SKUS, "pack_size": [1, 6, 48], "status": ["active"] * 3},
    "suppliers": {
        "supplier_id": ["S", "T"], "name": ["S", "T"], "is_active": [True] * 2, "lead_time_days": [1, 10],
        "currency": ["USD"] * 2,
    },
    "replenishment_rules": {"sku": SKUS, "moq": [1, 12, None], "safety_stock": [3, None, 7]},
    "product_suppliers": {
        "sku": [*SKUS, "C"], "supplier_id": ["S", "T", "T", "S"], "priority": [1, 1, 1, 2],
        "valid_from": [date(2017, 1, 1)] * 4, "valid_to": pyarrow.nulls(4), "pack_size": [None, None, 10, None],
        "moq": [None, 24, None, None], "unit_cost": [Decimal("1.00")] * 4, "currency": pyarrow.nulls(4),
        "lead_time_days": [None, 5, None, None],
    },
}  # fmt: skip


@pytest.fixture(scope="module")
def given():
    return {name: staged(name, pyarrow.table(columns)) for name, columns in GIVEN.items()}


def numbers(masters):
    """The parameters that a set may change."""
    columns = {
        "products": ["pack_size"], "suppliers": ["lead_time_days"], "replenishment_rules": ["moq", "safety_stock"],
        "product_suppliers": ["pack_size", "moq", "lead_time_days"],
    }  # fmt: skip
    return {f"{table}.{name}": masters.tables[table][name].to_pylist() for table, names in columns.items() for name in names}


def test_there_are_three():
    assert list(SETS) == ["demo", "fine", "coarse"]


def test_the_demo_s_is_the_demo_s(given):
    made = derived(given, SETS["demo"], BOOK, SOLD, DAYS)
    assert {name: table.to_pydict() for name, table in made.tables.items()} == {n: t.to_pydict() for n, t in given.items()}
    assert made.safety(SKUS).tolist() == [3, 5, 7]


def test_fine_is_a_quarter_of_the_packs_one_pack_and_a_third_of_the_time(given):
    assert numbers(derived(given, SETS["fine"], BOOK, SOLD, DAYS)) == {
        "products.pack_size": [1, 2, 12], "suppliers.lead_time_days": [1, 4],
        "replenishment_rules.moq": [1, 2, None], "replenishment_rules.safety_stock": [1, None, 15],
        "product_suppliers.pack_size": [None, None, 3, None], "product_suppliers.moq": [None, 2, None, None],
        "product_suppliers.lead_time_days": [None, 2, None, None],
    }  # fmt: skip


def test_coarse_is_twice_the_packs_two_packs_and_twice_the_time(given):
    assert numbers(derived(given, SETS["coarse"], BOOK, SOLD, DAYS)) == {
        "products.pack_size": [2, 12, 96], "suppliers.lead_time_days": [2, 20],
        "replenishment_rules.moq": [4, 24, None], "replenishment_rules.safety_stock": [1, None, 33],
        "product_suppliers.pack_size": [None, None, 20, None], "product_suppliers.moq": [None, 24, None, None],
        "product_suppliers.lead_time_days": [None, 10, None, None],
    }  # fmt: skip


@pytest.mark.parametrize(("name", "lead"), [("fine", 4), ("coarse", 20)])
def test_the_safety_stock_is_twice_the_root_of_what_sells_within_the_lead_time_and_one(given, name, lead):
    """Of the first supplier's usual lead time, as the set has it: T's 10 days are 4 or 20."""
    made = derived(given, SETS[name], BOOK, SOLD, DAYS)
    assert made.safety(SKUS).tolist() == [1, isqrt(4 * 30 * lead // DAYS) + 1, isqrt(4 * 400 * lead // DAYS) + 1]


def test_what_is_sold_after_the_warm_up_began_changes_no_parameter(given):
    """But for `demo`, which says that it knows the year."""
    period = Period(date(2017, 10, 5), date(2017, 10, 8), 2)

    def masters(units, name):
        by_day = {period.begin + timedelta(days=n): (np.arange(3), np.array(sold)) for n, sold in units.items()}
        sales = Sales(SKUS, by_day)
        keep = np.ones(3, bool)
        made = World(period, sales, sales, keep, keep.astype(np.int64), {}, given, BOOK).masters(SETS[name])
        return numbers(made), made.safety(SKUS).tolist()

    before = {-9: [1, 2, 3], -1: [4, 5, 6]}
    for name in ("fine", "coarse"):
        known = masters(before, name)
        assert masters({**before, 0: [900, 900, 900], 3: [900, 900, 900]}, name) == known
        assert masters({**before, -2: [900, 900, 900]}, name) != known
