"""Property tests: thousands of SKUs made by hypothesis, decided by one run of the models and by plain Python, to the unit."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import strategies as st
from plain_rules import BIGINT_MAX, BIGINT_MIN, Offer, Sku, decide
from planning_world import DAY, plan
from samples import made
from stored_world import StoredWorld

EDGES = [0, 1, 2, 11, 12, 13, 2**31 - 1, 2**53, 2**53 + 1, BIGINT_MAX - 1, BIGINT_MAX]
units = st.one_of(st.integers(0, 300), st.sampled_from(EDGES), st.integers(0, BIGINT_MAX))
few = st.one_of(st.integers(0, 60), units)
positions = st.one_of(st.integers(-50, 500), st.sampled_from([BIGINT_MIN, BIGINT_MAX]), st.integers(BIGINT_MIN, BIGINT_MAX))
packs = st.one_of(st.none(), st.sampled_from([1, 1, 2, 6, 12]), st.integers(-2, 40), st.integers(1, 2**31 - 1))
moqs = st.one_of(st.none(), st.sampled_from([1, 12, 24, 60]), st.integers(-2, 60), st.integers(1, BIGINT_MAX))
days = st.integers(-40, 40).map(lambda n: DAY + timedelta(days=n))
costs = st.integers(0, 999_999_999_999).map(lambda cents: Decimal(cents).scaleb(-2))

offers = st.builds(
    Offer, supplier=st.just(""), priority=st.just(1), valid_from=days | st.just(date(2017, 1, 1)),
    valid_to=st.none() | st.none() | days,
    is_active=st.sampled_from([True, True, True, False]), pack_size=st.none() | packs, moq=st.none() | moqs, unit_cost=costs,
    lead_time_days=st.none() | st.integers(0, 90), supplier_lead_time_days=st.integers(0, 90),
)  # fmt: skip
skus = st.builds(
    Sku, status=st.sampled_from(["active"] * 8 + ["run_out", "blocked"]), pack_size=packs, has_rule=st.booleans() | st.just(True),
    moq=moqs, safety_stock=st.none() | few, order_lines=st.lists(few, max_size=4).map(lambda q: tuple(n for n in q if n)),
    stock=st.lists(st.tuples(positions, few, st.none() | few), max_size=3).map(tuple),
    rejected_stock_rows=st.sampled_from([0] * 12 + [1]), offers=st.lists(offers, max_size=3).map(tuple),
)  # fmt: skip


def named(sku, number):
    """The SKU with suppliers of its own, by priority."""
    named_offers = tuple(
        Offer(**{**vars(offer), "supplier": f"P{number}-{n}", "priority": n}) for n, offer in enumerate(sku.offers, 1)
    )
    return Sku(**{**vars(sku), "offers": named_offers})


def place(world, name, sku):
    world.add("products", sku=name, status=sku.status, pack_size=sku.pack_size)
    if sku.has_rule:
        world.add("replenishment_rules", sku=name, moq=sku.moq, safety_stock=sku.safety_stock)
    for quantity in sku.order_lines:
        world.add("pos_order_lines", sku=name, quantity=quantity)
    for number, (available, reserved, safety) in enumerate(sku.stock):
        world.add(
            "warehouse_stock",
            sku=name,
            warehouse_id=f"W{number}",
            available_qty=available,
            reserved_qty=reserved,
            safety_stock_qty=safety,
        )
    for _ in range(sku.rejected_stock_rows):
        world.add("rejected_rows", sku=name)
    for offer in sku.offers:
        world.add(
            "suppliers", supplier_id=offer.supplier, is_active=offer.is_active, lead_time_days=offer.supplier_lead_time_days
        )
        world.add(
            "product_suppliers", sku=name, supplier_id=offer.supplier, priority=offer.priority, valid_from=offer.valid_from,
            valid_to=offer.valid_to, pack_size=offer.pack_size, moq=offer.moq, unit_cost=offer.unit_cost,
            lead_time_days=offer.lead_time_days,
        )  # fmt: skip


@pytest.fixture(scope="module")
def both(trino, hdfs):
    """(SKU, what Trino decided, what Python decided) of thousands of SKUs in one query."""
    sample = {f"s{n}": named(sku, n) for n, sku in enumerate(made(skus, 1500))}
    with StoredWorld(trino, hdfs) as world:
        for name, sku in sample.items():
            place(world, name, sku)
        rows = {row["sku"]: row for row in plan(trino, world, "order_decisions")["order_decisions"]}
    assert rows.keys() == sample.keys()
    return [(sku, rows[name], decide(sku, DAY)) for name, sku in sample.items()]


def test_trino_and_python_decide_alike(both):
    for sku, row, want in both:
        got = (
            row["outcome"], row["net_demand_qty"], row["order_qty"], row["packs"], row["moq_excess_qty"], row["pack_excess_qty"],
            row["bound_by"], row["line_cost"], row["due_date"],
        )  # fmt: skip
        assert got == (
            want.outcome, want.net, want.order_qty, want.packs, want.moq_excess, want.pack_excess, want.bound_by, want.line_cost,
            want.due_date,
        ), sku  # fmt: skip
        if want.supplier or want.outcome == "no_supplier":
            assert row["supplier_id"] == want.supplier, sku


def test_every_order_keeps_the_rules(both):
    ordered = [row for _, row, _ in both if row["outcome"] == "ordered"]
    for row in ordered:
        assert row["net_demand_qty"] > 0
        assert row["order_qty"] == row["packs"] * row["pack_size"] <= BIGINT_MAX
        assert row["order_qty"] >= max(row["moq"], row["net_demand_qty"]) > row["order_qty"] - row["pack_size"]
        assert row["order_qty"] == row["net_demand_qty"] + row["moq_excess_qty"] + row["pack_excess_qty"]
        assert type(row["order_qty"]) is int


def test_the_sample_reaches_every_corner(both):
    outcomes = {row["outcome"] for _, row, _ in both}
    assert outcomes == {"ordered", "enough_stock", "not_planned", "held", "no_supplier", "invalid_terms", "overflow"}
    assert {row["bound_by"] for _, row, _ in both} == {"need", "moq", "pack", None}
    assert any(row["order_qty"] > 2**53 and row["order_qty"] % 2 for _, row, _ in both), "past what a float holds"
