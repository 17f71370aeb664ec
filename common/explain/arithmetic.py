"""The decision computed once more, from the rows it was made from, in Python's integers: a second pair of eyes.

Written from the planning rules, not from the SQL, and never asked by the pipeline. Where a number differs from what the
run has stored, one of the two is wrong, and explain says so.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from common.explain.facts import Facts, Row
from common.explain.offers import first_set, is_open, ranked, terms_of
from common.explain.options import due_date, largest_order, order_days, policy_of

_LIMIT = 2**63  # of a BIGINT
# outcomes that take back what was planned, decided by more than this SKU's own rows
_TAKEN_BACK = ("other_currency", "held_spike", "below_supplier_minimum")


@dataclass(frozen=True)
class Compared:
    """One number of the plan as stored and as computed again."""

    table: str
    column: str
    stored: Any
    computed: Any

    @property
    def agrees(self) -> bool:
        return bool(self.stored == self.computed)


def compare(facts: Facts) -> list[Compared]:
    """Every number that can be computed again, beside the stored one. A column that the stored row lacks is left out."""
    need = _need(facts)
    decision = _decision(facts, need)
    computed = {"planning.net_demand": need, "planning.order_decisions": decision}
    stored: dict[str, Row] = {"planning.net_demand": facts.need, "planning.order_decisions": facts.decision}
    if facts.line or facts.decision["outcome"] == "ordered":
        computed["planning.purchase_order_lines"] = _line(facts, decision)
        stored["planning.purchase_order_lines"] = facts.line or dict.fromkeys(computed["planning.purchase_order_lines"])
    return [
        Compared(table, column, stored[table][column], value)
        for table, row in computed.items()
        for column, value in row.items()
        if column in stored[table]
    ]


def _need(facts: Facts) -> dict[str, Any]:
    """The row of planning.net_demand."""
    demand = sum(row["quantity"] for row in facts.order_lines)
    available = sum(row["available_qty"] for row in facts.stock)
    reserved = sum(row["reserved_qty"] for row in facts.stock)
    stated = [row["safety_stock_qty"] for row in facts.stock if row["safety_stock_qty"] is not None]
    by_snapshot = sum(stated) if stated else None
    by_rule = facts.rule["safety_stock"] if facts.rule else None
    safety = next((qty for qty in (by_rule, by_snapshot) if qty is not None), 0)
    net = max(0, demand + safety - (available - reserved))
    fits = all(map(_fits, (demand, available, reserved, available - reserved, safety, by_snapshot or 0, net)))
    is_known = fits and facts.need.get("hold_reason") is None
    rejected = facts.need.get("rejected_stock_row_count") or 0
    is_listed = bool(facts.order_lines or facts.stock or rejected or facts.rule)
    return {
        "product_status": facts.product["status"] if facts.product else None,
        "is_planned": bool(facts.product and facts.product["status"] == "active" and is_listed),
        "order_line_count": len(facts.order_lines),
        "stock_row_count": len(facts.stock),
        "has_rule": facts.rule is not None,
        "demand_qty": _bigint(demand),
        "available_qty": _bigint(available),
        "reserved_qty": _bigint(reserved),
        "free_qty": _bigint(available - reserved),
        "rule_safety_stock_qty": by_rule,
        "snapshot_safety_stock_qty": _bigint(by_snapshot),
        "safety_stock_qty": _bigint(safety),
        "safety_stock_source": "rule" if by_rule is not None else "snapshot" if by_snapshot is not None else "none",
        "net_demand_qty": net if is_known else None,
    }


def _decision(facts: Facts, need: Mapping[str, Any]) -> dict[str, Any]:
    """The row of planning.order_decisions, as far as this SKU's own rows decide it."""
    terms = terms_of(facts)
    policy = policy_of(facts, terms)
    required, net = _required({**facts.decision, **policy}, need)
    made: dict[str, Any] = {
        **terms,
        **policy,
        **order_days(facts, terms),
        "max_order_qty": largest_order(facts, terms),
        "requirement_qty": required,
        "safety_stock_qty": need["safety_stock_qty"],
        "position_qty": need["free_qty"],
        "net_demand_qty": net,
    }
    stop = _stop(facts, {**need, "net_demand_qty": net}, made)
    stored = facts.decision
    least = max(1, terms["moq"] or 1)
    steps: dict[str, Any] = dict.fromkeys(_STEPS)
    if stop == "enough_stock" and stored["outcome"] == "ordered" and (stored.get("after_fill_qty") or 0) >= least:
        stop, steps = None, dict.fromkeys(_STEPS, 0)  # it only fills its supplier's order up, with a lot of its own
    elif not stop:
        steps = _steps(facts, net or 0, made)
    is_overflow = steps.pop("is_overflow", False)
    made |= steps
    outcome = stop or ("overflow" if is_overflow else "above_maximum" if made["after_maximum_qty"] is None else "ordered")
    if outcome == "ordered" and stored["outcome"] in _TAKEN_BACK:
        outcome = stored["outcome"]
    if outcome == stored["outcome"] == "ordered" and stored.get("after_fill_qty") is not None:
        made["after_fill_qty"] = _filled(stored, made)
    return made | {"outcome": outcome} | _order(facts, made, outcome)


def _required(decision: Row, need: Mapping[str, Any]) -> tuple[int | None, int | None]:
    """What must be served, and the need: by the formula, or by order_up_to from its window."""
    if decision.get("policy") != "order_up_to":
        return need["demand_qty"], need["net_demand_qty"]
    if not decision["window_days"]:  # the run has not read the window that was asked for
        return None, None
    required = -(-decision["window_demand_qty"] * decision["horizon_days"] // decision["window_days"])
    if need["net_demand_qty"] is None:  # held: what is free is not known
        return required, None
    on_order = decision.get("on_order_qty") or 0
    return required, max(0, required + need["safety_stock_qty"] - need["free_qty"] - on_order)


def _steps(facts: Facts, net: int, terms: Mapping[str, Any]) -> dict[str, Any]:
    """The quantity after each step: MOQ, whole packs, the pack level, the maximum."""
    lifted = max(net, terms["moq"])
    packed = _up(lifted, terms["pack_size"])
    levelled = _levelled(facts, packed)
    largest = terms["max_order_qty"]
    capped: int | None = levelled
    if largest is not None and levelled > largest:
        whole = largest // terms["pack_size"] * terms["pack_size"]
        capped = packed if packed <= largest else whole if whole >= max(1, terms["moq"]) else None
    return {
        "after_moq_qty": _bigint(lifted),
        "moq_excess_qty": _bigint(lifted - net),
        "after_pack_qty": _bigint(packed),
        "pack_excess_qty": _bigint(packed - lifted),
        "after_level_qty": _bigint(levelled),
        "after_maximum_qty": _bigint(capped),
        "after_fill_qty": _bigint(capped),
        "is_overflow": not _fits(levelled),
    }


_STEPS = (
    "after_moq_qty", "moq_excess_qty", "after_pack_qty", "pack_excess_qty", "after_level_qty", "after_maximum_qty",
    "after_fill_qty",
)  # fmt: skip


def _levelled(facts: Facts, packed: int) -> int:
    """Rounded up to a case, a layer, a pallet, each where at most the share of it is lacking.

    A share that no row gives is the setting's; where an older run has not recorded it, the stored quantity stands if one
    of the SKU's own levels gives it.
    """
    sizes, share = _levels(facts)
    stored = facts.decision.get("after_level_qty")
    if share is None and stored is not None and (stored == packed or any(stored % size == 0 for size in sizes)):
        return int(stored)
    for size in sizes:
        lacking = -packed % size
        packed += lacking if lacking * 100 <= (share or 0) * size else 0
    return packed


def _levels(facts: Facts) -> tuple[list[int], int | None]:
    """The pack levels of the chosen supplier, smallest first, and the share in percent (None: not known)."""
    offer = next((o for o in ranked(facts) if o["supplier_id"] == facts.decision["supplier_id"] and is_open(facts, o)), {})
    supplier = facts.suppliers.get(facts.decision["supplier_id"] or "", {})
    share, _ = first_set((facts.rule or {}, ""), (offer, ""), (supplier, ""), name="level_share_percent")
    if share is None:
        share = facts.settings.get("planning.level_share_percent")
    return [offer[name] for name in ("case_size", "layer_size", "pallet_size") if offer.get(name) is not None], share


def _filled(decision: Row, made: Mapping[str, Any]) -> int | None:
    """What the supplier's minimum made of it, decided over all of the supplier's SKUs (minimum.py): here it is only proved
    that nothing but whole packs were added, and none past the maximum."""
    stored, before = decision["after_fill_qty"], made["after_maximum_qty"] or 0
    largest = made["max_order_qty"]
    is_right = stored >= before and stored % made["pack_size"] == 0 and (largest is None or stored <= max(before, largest))
    return int(stored) if is_right else before


def _order(facts: Facts, made: Mapping[str, Any], outcome: str) -> dict[str, Any]:
    """Quantity, packs, cost and due date."""
    if outcome != "ordered":
        return {"order_qty": 0, "packs": 0, "line_cost": None, "due_date": None, "bound_by": None}
    quantity = made["after_fill_qty"]
    order = {"order_qty": quantity, "packs": quantity // made["pack_size"], "line_cost": times(quantity, made["unit_cost"])}
    if facts.calendar is not None or facts.decision.get("lead_time_unit") != "working":
        order["due_date"] = due_date(facts, made)
    changed = [
        name
        for name, before, after in (
            ("moq", "net_demand_qty", "after_moq_qty"), ("pack", "after_moq_qty", "after_pack_qty"),
            ("level", "after_pack_qty", "after_level_qty"), ("maximum", "after_level_qty", "after_maximum_qty"),
            ("fill", "after_maximum_qty", "after_fill_qty"),
        )
        if made[before] != made[after]
    ]  # fmt: skip
    return order | {"bound_by": changed[-1] if changed else "need"}


def _up(quantity: int, size: int) -> int:
    return -(-quantity // size) * size


def _line(facts: Facts, decision: Mapping[str, Any]) -> dict[str, Any]:
    """The row of planning.purchase_order_lines."""
    names = ("supplier_id", "net_demand_qty", "order_qty", "packs", "pack_size", "unit_cost", "line_cost", "due_date")
    number = f"{facts.day:%Y%m%d}-{decision['supplier_id']}"
    return {"order_number": number} | {name: decision[name] for name in names if name in decision}


def _stop(facts: Facts, need: Mapping[str, Any], terms: Mapping[str, Any]) -> str | None:
    """The first reason that keeps the SKU from being ordered."""
    if facts.product is None:
        return "unknown_sku"
    if not need["is_planned"]:
        return "not_planned"
    if facts.need.get("hold_reason") is not None:
        return "held"
    if need["net_demand_qty"] is None:
        return "overflow"
    if need["net_demand_qty"] == 0:
        return "enough_stock"
    if terms["supplier_id"] is None:
        return "no_supplier"
    bad = [terms[name] is None or terms[name] < 1 for name in ("pack_size", "moq")]
    bad += [terms["unit_cost"] is None or terms["unit_cost"] < 0]
    bad += [terms["lead_time_days"] is None or not 0 <= terms["lead_time_days"] <= 3650]
    sizes, share = _levels(facts)
    if not any(bad) and share:  # a level is whole packs
        bad += [size < 1 or size % terms["pack_size"] != 0 for size in sizes]
    if any(bad):
        return "invalid_terms"
    is_order_day = terms.get("is_order_day", facts.decision.get("is_order_day"))
    return "no_order_day" if is_order_day is False else None


def times(quantity: int, unit_cost: Decimal) -> Decimal:
    """Quantity times cost, exact: Python's own decimal arithmetic rounds to 28 digits."""
    cents = int(unit_cost.scaleb(2)) * quantity
    return Decimal(f"{'-' if cents < 0 else ''}{abs(cents) // 100}.{abs(cents) % 100:02}")


def _fits(number: int) -> bool:
    return -_LIMIT <= number < _LIMIT


def _bigint(number: int | None) -> int | None:
    """The number as a column holds it: NULL past BIGINT."""
    return number if number is not None and _fits(number) else None


def disagreements(compared: list[Compared]) -> Iterator[str]:
    """One sentence for each number that differs."""
    for one in compared:
        if not one.agrees:
            yield f"{one.table}.{one.column}: stored {one.stored}, computed {one.computed}"
