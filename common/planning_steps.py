"""The steps of an order decision in words: what explain, report and diff show of a row of planning.order_decisions.

Nothing here decides. Each step's quantity was stored by the SQL that decided; this names the steps in their order, takes
the differences and puts them into a sentence. A row of an older run that lacks a step's column has no such step.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

Row = Mapping[str, Any]


@dataclass(frozen=True)
class Step:
    """One step of the decision.

    code      what the column bound_by calls it
    column    column of planning.order_decisions with the quantity after it, in base units; NULL: it was not reached
    name      what a table calls it
    sentence  what it did where it changed the quantity: any column by name, {quantity}, {change}, {packs} at this step
    later     the same after another step has changed the quantity, following "then"; empty: as `sentence`
    """

    code: str
    column: str
    name: str
    sentence: str
    later: str = ""


# in the order of decision; the last one is what was ordered, so the differences of all of them add up to it
STEPS = (
    Step("need", "net_demand_qty", "need", "need {quantity}"),
    Step("moq", "after_moq_qty", "MOQ", "lifted to the MOQ {moq}"),
    Step("pack", "after_pack_qty", "pack", "rounded up to {packs} of {pack_size}", "to {packs} of {pack_size}"),
    Step("level", "after_level_qty", "pack level", "rounded up to the pack level {quantity}", "to the pack level {quantity}"),
    Step("maximum", "after_maximum_qty", "maximum", "cut to {quantity} by the maximum {max_order_qty}"),
    Step("fill", "after_fill_qty", "supplier minimum", "filled up to {quantity} for the supplier's minimum"),
    Step("order", "order_qty", "order", "{quantity} ordered"),
)  # fmt: skip

# why a SKU of each outcome has no order: after "not ordered: "
OUTCOMES = {
    "enough_stock": "there is enough: {position_qty} free, {requirement_qty} required and {safety_stock_qty} of safety stock",
    "no_supplier": "no supplier",
    "invalid_terms": "the terms are not usable ({invalid_terms})",
    "not_planned": "the product is not planned",
    "held": "the stock is not known",
    "other_currency": "its cost is in {currency}, the order to {supplier_id} in {order_currency}",
    "overflow": "a number is past what can be stored ({overflow})",
    "unknown_sku": "no product of the date's master data has it",
    "no_order_day": "{supplier_id} takes no order on this day, the next one is {next_order_date}",
    "above_maximum": "the maximum {max_order_qty} is under the MOQ or one pack",
    "held_spike": "held back for a demand spike",
    "below_supplier_minimum": "the order to {supplier_id} is under its minimum",
}
_ENOUGH_ON_ORDER = OUTCOMES["enough_stock"].replace(" free,", " free and {on_order_qty} on order,")
NO_SUPPLIER = {
    "not_mapped": "no supplier is mapped to it",
    "not_valid": "no supplier mapping is valid on the date",
    "inactive": "every supplier that is valid on the date is inactive",
}
NOT_PLANNED = {
    "active": "nobody ordered it, no warehouse lists it and no rule names it",
    "run_out": "the product runs out and is not ordered any more",
    "blocked": "the product is blocked",
}
HOLDS = {
    "rejected_stock_row": "held, a stock row of it was rejected and its stock is not known",
    "unreadable_stock_row": "held, rejected stock rows name no SKU and may have been its own",
}


@dataclass(frozen=True)
class Moved:
    """What one step did to a SKU: the quantity after it (None: not known) and how much it added or took."""

    step: Step
    quantity: int | None
    change: int


def trail(decision: Row) -> list[Moved]:
    """The steps that a decision went through. The changes add up to order_qty."""
    moved: list[Moved] = []
    before = 0
    for step in STEPS:
        quantity = decision.get(step.column)
        if quantity is None:
            if step.code == "need":
                moved.append(Moved(step, None, 0))
            continue
        moved.append(Moved(step, int(quantity), int(quantity) - before))
        before = int(quantity)
    return moved


def sentence(decision: Row) -> str:
    """One sentence: what was ordered of a SKU from whom and how the quantity came about, or why nothing was."""
    steps = trail(decision)
    need = "the need is not known" if steps[0].quantity is None else told(steps[0], decision)
    parts = [need]
    for one in steps[1:-1]:
        if one.change:
            again = len(parts) > 1
            parts.append(("then " if again else "") + told(one, decision, again))
    if decision["outcome"] == "ordered":
        if len(parts) == 1 and decision["pack_size"] != 1:
            parts.append(f"exactly {_packs(steps[-1], decision)} of {_text(decision['pack_size'])}")
        return f"{_text(decision['order_qty'])} ordered from {decision['supplier_id']}: {', '.join(parts)}"
    ends = f": {', '.join(parts)}" if steps[0].quantity else ""
    return f"not ordered, {reason(decision)}{ends}"


def reason(decision: Row) -> str:
    """Why a SKU has no order, by its outcome code."""
    outcome = decision["outcome"]
    listed = {
        "no_supplier": NO_SUPPLIER.get(decision.get("no_supplier_reason") or ""),
        "not_planned": NOT_PLANNED.get(decision.get("product_status") or ""),
        "held": HOLDS.get(decision.get("hold_reason") or ""),
    }.get(outcome)
    template = _ENOUGH_ON_ORDER if outcome == "enough_stock" and decision.get("on_order_qty") else OUTCOMES[outcome]
    return listed or template.format_map(_Words(decision))


def told(moved: Moved, decision: Row, later: bool = False) -> str:
    """What a step did, in words; `later` where a step before it has changed the quantity, too."""
    template = moved.step.later if later and moved.step.later else moved.step.sentence
    own = {"quantity": moved.quantity, "change": moved.change, "packs": _packs(moved, decision)}
    return template.format_map(_Words({**decision, **own}))


def _packs(moved: Moved, decision: Row) -> str:
    size = decision.get("pack_size") or 1
    count = (moved.quantity or 0) // size
    return f"{count:,} pack{'' if count == 1 else 's'}"


class _Words(dict[str, Any]):
    """Values as words; a column that the row lacks is not known."""

    def __getitem__(self, key: str) -> str:
        return _text(self.get(key))


def _text(value: object) -> str:
    if value is None:
        return "not known"
    return f"{value:,}" if isinstance(value, (int, Decimal)) and not isinstance(value, bool) else str(value)
