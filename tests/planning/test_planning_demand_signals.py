"""Property tests of what is judged by history: spikes, drops, shortages and excess, against plain Python integers."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest
from hypothesis import strategies as st
from planning_world import DAY, FACTS, plan
from samples import made
from stored_world import StoredWorld

PUBLISHED = 27  # an odd number of days: the median is one day


def histories(mean):
    """Units by days ago: of hardly any day, of most, or of every one."""
    days, units = st.integers(1, PUBLISHED), st.integers(1, 2 * mean)
    every = st.lists(units, min_size=PUBLISHED, max_size=PUBLISHED).map(lambda of: dict(enumerate(of, 1)))
    return st.dictionaries(days, units, max_size=4) | st.dictionaries(days, units, min_size=12, max_size=PUBLISHED) | every


skus = st.sampled_from([1, 3, 5, 9]).flatmap(
    lambda mean: st.fixed_dictionaries({
        "history": histories(mean), "demand": st.sampled_from([0, 0, mean, 10]) | st.integers(1, 40),
        "available": st.integers(0, 60), "safety": st.integers(0, 40), "moq": st.sampled_from([1, 24, 100]),
        "pack": st.sampled_from([1, 6, 12]), "lead": st.integers(0, 9),
        "cost": st.integers(1, 3000).map(lambda cents: Decimal(cents).scaleb(-2)),
    })
)  # fmt: skip


@pytest.fixture(scope="module")
def judged(trino, hdfs):
    """(SKU's numbers, its codes) of a thousand SKUs in one query."""
    sample = {f"s{number}": sku for number, sku in enumerate(made(skus, 1000))}
    with StoredWorld(trino, hdfs) as world:
        world.add("suppliers", supplier_id="S").add("stores", store_id="1").add("warehouses", warehouse_id="W1")
        for name, sku in sample.items():
            world.add("products", sku=name, pack_size=sku["pack"])
            world.add("replenishment_rules", sku=name, moq=sku["moq"], safety_stock=sku["safety"])
            world.add("product_suppliers", sku=name, supplier_id="S", lead_time_days=sku["lead"], unit_cost=sku["cost"])
            world.add("warehouse_stock", sku=name, available_qty=sku["available"])
            for ago, quantity in sku["history"].items():
                world.add("pos_order_lines", sku=name, quantity=quantity, business_date=DAY - timedelta(days=ago))
            if sku["demand"]:
                world.add("pos_order_lines", sku=name, quantity=sku["demand"])
        rows = plan(trino, world, facts=replace(FACTS, published_days=PUBLISHED))["exceptions"]
    raised = {name: {} for name in sample}
    for row in rows:
        if row["sku"]:
            raised[row["sku"]][row["code"]] = row
    return [(sku, raised[name]) for name, sku in sample.items()]


def window(sku):
    """Units of each published day, the largest first."""
    return sorted((sku["history"].get(ago, 0) for ago in range(1, PUBLISHED + 1)), reverse=True)


def order(sku):
    """Units ordered, and units beyond the need."""
    need = max(0, sku["demand"] + sku["safety"] - sku["available"])
    if not need:
        return 0, 0
    quantity = -(-max(need, sku["moq"]) // sku["pack"]) * sku["pack"]
    return quantity, quantity - need


def is_spike(sku):
    return sku["demand"] >= 10 and sku["demand"] > 2 * window(sku)[2]


def is_drop(sku):
    return sku["demand"] == 0 and sku["available"] > 0 and window(sku)[PUBLISHED // 2] >= 4


def is_shortage(sku):
    left = sku["available"] - sku["demand"]
    return order(sku)[0] > 0 and sku["lead"] > 0 and (left < 0 or left < sum(window(sku)) * sku["lead"] // PUBLISHED)


def is_excess(sku):
    excess = order(sku)[1]
    return excess > 0 and excess * PUBLISHED >= 3 * sum(window(sku)) and excess * sku["cost"] >= 100


@pytest.mark.parametrize(
    ("code", "rule"),
    [("demand_spike", is_spike), ("demand_drop", is_drop), ("possible_shortage", is_shortage), ("order_excess", is_excess)],
)
def test_raised_exactly_by_the_rule(judged, code, rule):
    assert [code in codes for _, codes in judged] == [rule(sku) for sku, _ in judged]
    assert any(rule(sku) for sku, _ in judged)


def test_the_numbers_of_each(judged):
    for sku, codes in judged:
        if spike := codes.get("demand_spike"):
            assert (spike["observed_qty"], spike["expected_qty"]) == (sku["demand"], window(sku)[2])
        if drop := codes.get("demand_drop"):
            assert (drop["observed_qty"], drop["expected_qty"]) == (0, window(sku)[PUBLISHED // 2])
        if shortage := codes.get("possible_shortage"):
            assert shortage["observed_qty"] == sku["available"] - sku["demand"]
            assert shortage["expected_qty"] == sum(window(sku)) * sku["lead"] // PUBLISHED
            assert shortage["at_risk_qty"] == shortage["expected_qty"] - shortage["observed_qty"]
        if excess := codes.get("order_excess"):
            units, total = order(sku)[1], sum(window(sku))
            assert (excess["observed_qty"], excess["cost_at_risk"]) == (units, units * sku["cost"])
            assert excess["days_at_risk"] == (units * PUBLISHED // total if total else None)
