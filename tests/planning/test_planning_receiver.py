"""A day on which the receiver places no order, or takes no goods in: it is everybody's, so it has worlds of its own."""

from __future__ import annotations

from datetime import timedelta

import pytest
from planning_cases import frame
from planning_world import DAY, World, plan


def planned(trino, *days, **supplier):
    """Decision and codes of a SKU with a need of 10; `days` are rows of the receiver's calendar."""
    world = frame(World()).add("pos_order_lines", sku="A", quantity=10)
    world.add("products", sku="A").add("replenishment_rules", sku="A").add("suppliers", supplier_id="S", **supplier)
    world.add("product_suppliers", sku="A", supplier_id="S").add("warehouse_stock", sku="A")
    world.add("calendar_days", party_id="S", day=DAY, is_order_day=True, is_working_day=True)
    for day in days:
        world.add("calendar_days", party_kind="receiver", party_id="network", **day)
    results = plan(trino, world)
    decision = next(row for row in results["order_decisions"] if row["sku"] == "A")
    return decision, {row["code"]: row["subject"] for row in results["exceptions"]}


@pytest.mark.parametrize("weekdays", [None, "6"])
def test_nobody_is_ordered_from_on_a_day_on_which_the_receiver_places_no_order(trino, weekdays):
    """Whatever the suppliers say of that day; the need is shown."""
    closed = {"day": DAY, "is_order_day": False}
    decision, codes = planned(trino, closed, order_weekdays=weekdays)
    assert (decision["outcome"], decision["net_demand_qty"], decision["order_qty"]) == ("no_order_day", 10, 0)
    assert decision["next_order_date"] == DAY + timedelta(days=1 if weekdays is None else 7)
    assert codes["no_order_day"] == "supplier S"
    decision, codes = planned(trino, closed | {"day": DAY + timedelta(days=1)}, order_weekdays=weekdays)
    assert (decision["outcome"], decision["order_qty"]) == ("ordered", 10) and "no_order_day" not in codes
    assert decision["next_order_date"] == DAY + timedelta(days=2 if weekdays is None else 7)


def test_goods_come_on_the_next_day_on_which_the_receiver_takes_them_in(trino):
    due = DAY + timedelta(days=4)
    holidays = [{"day": due}, {"day": due + timedelta(days=1)}]
    assert planned(trino)[0]["due_date"] == due
    assert planned(trino, *holidays)[0]["due_date"] == due + timedelta(days=2)
    assert planned(trino, {"day": due - timedelta(days=1)})[0]["due_date"] == due, "on the way nobody waits for the receiver"
