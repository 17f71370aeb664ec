"""What is raised about an order with options, a second time in plain Python, without a look at the SQL."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from plain_options import Answer, Calendar, Item, Supplier, horizon, is_spike

WINDOW, DUE = 28, 3  # published days before the date; days until an open order is due
_OF_STATUS = {"flagged": "below_minimum", "held": "held_below_minimum", "unreachable": "minimum_not_reached"}


def codes_of_sku(item: Item, answer: Answer, day: date) -> set[str]:
    """The codes that are raised about a SKU; all of these are planned and have rule, supplier, usable terms and stock row."""
    demand = sum(item.history.values())
    is_ordered = answer.outcome == "ordered"
    excess = (answer.after[3] or 0) - answer.need
    raised = {
        "negative_stock": item.available < 0,
        "demand_spike": is_spike(item),
        "policy_not_usable": answer.fallback is not None,
        "above_maximum": answer.outcome == "above_maximum",
        "held_on_spike": answer.outcome == "held_spike",
        "maximum_below_need": is_ordered and answer.order_qty < answer.need,
        "already_ordered": is_ordered and answer.policy == "formula" and item.open_qty > 0,
        "order_excess": is_ordered and excess > 0 and excess * WINDOW >= 3 * demand and excess * item.cost >= 100,
        "possible_shortage": answer.due is not None and _runs_out(item, demand, (answer.due - day).days),
    }
    return {code for code, is_raised in raised.items() if is_raised}


def _runs_out(item: Item, demand: int, due: int) -> bool:
    """Whether the mean demand empties the stock before the order comes, or before what is on order comes."""
    arrivals = {DUE: item.open_qty} if item.open_qty else {}
    for until in (due, *(days for days in arrivals if days < due)):
        come = sum(units for days, units in arrivals.items() if days < until)
        if due > 0 and demand * until // WINDOW > item.available - item.demand + come:
            return True
    return False


def codes_of_supplier(answers: Sequence[Answer], supplier: Supplier, receiver: Calendar, day: date) -> set[str]:
    """The codes that are raised about a supplier as a whole."""
    raised = {_OF_STATUS[answer.status] for answer in answers if answer.status in _OF_STATUS}
    if any(answer.outcome == "no_order_day" for answer in answers):
        raised.add("no_next_order_day" if horizon(supplier, receiver, day) is None else "no_order_day")
    return raised
