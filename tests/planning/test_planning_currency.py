"""Currencies: a thousand suppliers whose lines are in several, decided by one query and by plain Python. One order has one."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import pytest
from hypothesis import strategies as st
from planning_world import plan
from samples import made
from stored_world import StoredWorld

codes = st.sampled_from([None, None, "USD", "EUR", "GBP"])


@dataclass(frozen=True)
class Supplier:
    """Its own currency, and each SKU's: the need, the currency of the offer, the pack."""

    currency: str | None
    lines: tuple[tuple[int, str | None, int], ...]


lines = st.tuples(st.sampled_from([0, 5, 12, 2**53 + 1]), codes, st.sampled_from([1, 12]))
suppliers = st.builds(Supplier, currency=codes, lines=st.lists(lines, min_size=1, max_size=6).map(tuple))


def expected(supplier, business="USD"):
    """(outcome, currency of the line, currency of the order) of each SKU: the supplier's own where a line has it, else that of
    most lines, of two such the last one by its code."""
    own = supplier.currency or business
    priced = [(need, of or own) for need, of, _ in supplier.lines]
    counts = Counter(currency for need, currency in priced if need)
    order = own if counts[own] else max(((n, currency) for currency, n in counts.items()), default=(0, None))[1]
    return [
        ("enough_stock", currency, None) if not need else ("ordered" if currency == order else "other_currency", currency, order)
        for need, currency in priced
    ]


@pytest.fixture(scope="module")
def both(trino, hdfs):
    """(supplier, what Trino decided, what Python decided) of a thousand suppliers."""
    sample = made(suppliers, 1000)
    with StoredWorld(trino, hdfs) as world:
        for number, supplier in enumerate(sample):
            world.add("suppliers", supplier_id=f"S{number}", currency=supplier.currency)
            for k, (need, currency, pack) in enumerate(supplier.lines):
                sku = f"S{number}-{k}"
                world.add("products", sku=sku, pack_size=pack).add("replenishment_rules", sku=sku)
                world.add("product_suppliers", sku=sku, supplier_id=f"S{number}", currency=currency)
                if need:
                    world.add("pos_order_lines", sku=sku, quantity=need)
        results = plan(trino, world, "purchase_order_lines")
    assert len(results["order_decisions"]) > 2000
    rows = {row["sku"]: row for row in results["order_decisions"]}
    ordered = {row["sku"]: row for row in results["purchase_order_lines"]}
    return [
        (supplier, [(rows[f"S{n}-{k}"], ordered.get(f"S{n}-{k}")) for k in range(len(supplier.lines))], expected(supplier))
        for n, supplier in enumerate(sample)
    ]


def test_trino_and_python_decide_alike(both):
    for supplier, found, want in both:
        assert [(row["outcome"], row["currency"], row["order_currency"]) for row, _ in found] == want, supplier
        for (need, _, pack), (row, line) in zip(supplier.lines, found, strict=True):
            ordered = -(-need // pack) * pack if row["outcome"] == "ordered" else 0
            assert row["order_qty"] == ordered and (line is not None) == (ordered > 0), supplier


def test_an_order_has_one_currency(both):
    for supplier, found, _ in both:
        currencies = {line["currency"] for _, line in found if line is not None}
        assert len(currencies) == any(need for need, _, _ in supplier.lines), supplier


def test_the_sample_reaches_every_corner(both):
    outcomes = [{outcome for outcome, *_ in want} for *_, want in both]
    assert {"ordered", "other_currency", "enough_stock"} in outcomes
    orders = [(supplier.currency or "USD", {order for *_, order in want} - {None}) for supplier, _, want in both]
    foreign = [of for own, of in orders if of and own not in of]
    assert len(foreign) > 10, "an order in another currency than the supplier's own"
