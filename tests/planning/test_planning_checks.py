"""The checks beside the models: silent over a sound plan, and each finds the row that breaks its sentence."""

from __future__ import annotations

from string import Template

import pytest
from planning_world import DAY, World, plan, relation

from common.contracts import all_contracts
from common.publish.audit import checks

MADE = ("net_demand", "order_decisions", "purchase_order_lines")


@pytest.fixture(scope="module")
def sound(trino):
    """Rows by table: three SKUs of one supplier, two ordered; and what the models make of them."""
    world = World().add("suppliers", supplier_id="S")
    for number, units in enumerate((13, 0, 5)):
        sku = f"s{number}"
        world.add("products", sku=sku, pack_size=12).add("replenishment_rules", sku=sku, moq=24)
        world.add("product_suppliers", sku=sku, supplier_id="S").add("warehouse_stock", sku=sku)
        if units:
            world.add("pos_order_lines", sku=sku, quantity=units)
    made = plan(trino, world, "purchase_order_lines")
    return world.rows | {name: [row | {"business_date": DAY} for row in made[name]] for name in MADE}


def found(trino, rows):
    """What the checks of the planning tables return over these rows: check's sentence, and the row as text."""
    full = {c.table: c.name for c in all_contracts()}
    references = {name: relation(full[name], of) for name, of in rows.items() if name in full}
    return [
        f"{sentence}: {row}"
        for name in MADE
        for sentence, sql in checks(f"planning.{name}")
        for row in trino.rows(Template(sql).substitute(references, business_date=DAY.isoformat()))
    ]


def changed(rows, table, sku, **values):
    return rows | {table: [row | values if row["sku"] == sku else row for row in rows[table]]}


def without(rows, table, sku):
    return rows | {table: [row for row in rows[table] if row["sku"] != sku]}


def test_a_sound_plan_breaks_nothing(trino, sound):
    assert found(trino, sound) == []


@pytest.mark.parametrize(
    ("break_it", "sentence"),
    [
        (lambda r: without(r, "net_demand", "s1"), "has one row"),
        (lambda r: r | {"net_demand": r["net_demand"] + r["net_demand"][:1]}, "has one row"),
        (lambda r: without(r, "products", "s1") | {"warehouse_stock": []}, "no other has one"),
        (lambda r: without(r, "pos_order_lines", "s0"), "every line and stock row is counted once"),
        (lambda r: without(r, "warehouse_stock", "s2"), "every line and stock row is counted once"),
        (lambda r: changed(r, "net_demand", "s0", net_demand_qty=12), "the need is the formula"),
        (lambda r: changed(r, "net_demand", "s0", net_demand_qty=None), "the need is the formula"),
        (lambda r: without(r, "order_decisions", "s1"), "exactly one decision"),
        (lambda r: r | {"order_decisions": r["order_decisions"] + r["order_decisions"][:1]}, "exactly one decision"),
        (lambda r: changed(r, "order_decisions", "s1", outcome="perhaps"), "closed list"),
        (lambda r: changed(r, "order_decisions", "s1", order_qty=12), "without an order there is no quantity"),
        (lambda r: changed(r, "order_decisions", "s0", product_status="blocked"), "not planned, held or without a need"),
        (lambda r: changed(r, "order_decisions", "s0", order_qty=25), "whole packs"),
        (lambda r: changed(r, "order_decisions", "s0", order_qty=12, packs=1), "at or above the MOQ"),
        (lambda r: changed(r, "order_decisions", "s0", after_pack_qty=36), "less than a pack above both"),
        (lambda r: changed(r, "order_decisions", "s0", after_level_qty=12), "levels and fills only add"),
        (lambda r: changed(r, "order_decisions", "s0", max_order_qty=12), "never passes its maximum"),
        (lambda r: changed(r, "order_decisions", "s0", net_demand_qty=0), "has a need"),
        (lambda r: changed(r, "order_decisions", "s0", moq_excess_qty=10), "the steps add up"),
        (lambda r: changed(r, "purchase_order_lines", "s0", line_no=2), "numbered from 1 without a gap"),
        (lambda r: changed(r, "purchase_order_lines", "s2", currency="EUR"), "one currency"),
        (lambda r: changed(r, "purchase_order_lines", "s2", supplier_id="T"), "one supplier"),
        (lambda r: r | {"purchase_order_lines": r["purchase_order_lines"] + r["purchase_order_lines"][:1]}, "a SKU once"),
        (lambda r: without(r, "purchase_order_lines", "s2"), "the lines are the decisions to order"),
        (lambda r: changed(r, "purchase_order_lines", "s2", order_qty=48), "the lines are the decisions to order"),
        (lambda r: changed(r, "purchase_order_lines", "s2", order_number="20171223-T"), "the lines are the decisions to order"),
    ],
)
def test_a_broken_plan_is_found(trino, sound, break_it, sentence):
    assert any(sentence in text for text in found(trino, break_it(sound)))
