"""The decision computed once more, from the rows it was made from, in Python's integers: a second pair of eyes.

Written from the planning rules, not from the SQL, and never asked by the pipeline. Where a number differs from what the
run has stored, one of the two is wrong, and explain says so.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from common.explain.facts import Facts, Row

_LIMIT = 2**63  # of a BIGINT
# outcomes that are decided by more than this SKU's own rows, or by settings that the rows do not hold
_BY_OTHERS = ("other_currency", "no_order_day", "above_maximum", "held_spike", "below_supplier_minimum")


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
    terms = _terms(facts)
    required, net = _required(facts.decision, need)
    made: dict[str, Any] = {
        **terms,
        "requirement_qty": required,
        "safety_stock_qty": need["safety_stock_qty"],
        "position_qty": need["free_qty"],
        "net_demand_qty": net,
    }
    stop = _stop(facts, {**need, "net_demand_qty": net}, terms)
    made |= _steps(net, terms) if stop is None else dict.fromkeys(("after_moq_qty", "after_pack_qty"))
    made["moq_excess_qty"] = None if stop else _bigint(max(net or 0, terms["moq"] or 0) - (net or 0))
    if facts.decision["outcome"] in _BY_OTHERS:
        return made
    outcome = stop or ("ordered" if made["after_pack_qty"] is not None else "overflow")
    made["outcome"] = outcome
    return made | _order(facts, made) if _final(facts.decision) == "after_pack_qty" else made


def _required(decision: Row, need: Mapping[str, Any]) -> tuple[int | None, int | None]:
    """What must be served, and the need: by the formula, or by order_up_to from the window that the row has stored."""
    if decision.get("policy") != "order_up_to" or need["net_demand_qty"] is None:
        return need["demand_qty"], need["net_demand_qty"]
    required = -(-decision["window_demand_qty"] * decision["horizon_days"] // decision["window_days"])
    on_order = decision.get("on_order_qty") or 0
    return required, max(0, required + need["safety_stock_qty"] - need["free_qty"] - on_order)


def _steps(net: int | None, terms: Mapping[str, Any]) -> dict[str, Any]:
    """MOQ, then whole packs, always upward."""
    lifted = max(net or 0, terms["moq"])
    packed = -(-lifted // terms["pack_size"]) * terms["pack_size"]
    return {
        "after_moq_qty": _bigint(lifted),
        "after_pack_qty": _bigint(packed),
        "pack_excess_qty": _bigint(packed - lifted),
    }


def _order(facts: Facts, made: Mapping[str, Any]) -> dict[str, Any]:
    """Quantity, packs, cost and due date where the pack is the last step."""
    if made["outcome"] != "ordered":
        return {"order_qty": 0, "packs": 0, "line_cost": None, "due_date": None, "bound_by": None}
    quantity = made["after_pack_qty"]
    bound = "pack" if quantity > made["after_moq_qty"] else "moq" if made["after_moq_qty"] > made["net_demand_qty"] else "need"
    return {
        "order_qty": quantity,
        "packs": quantity // made["pack_size"],
        "line_cost": times(quantity, made["unit_cost"]),
        "due_date": facts.day + timedelta(days=made["lead_time_days"]),
        "bound_by": bound,
    }


def _line(facts: Facts, decision: Mapping[str, Any]) -> dict[str, Any]:
    """The row of planning.purchase_order_lines."""
    names = ("supplier_id", "net_demand_qty", "order_qty", "packs", "pack_size", "unit_cost", "line_cost", "due_date")
    number = f"{facts.day:%Y%m%d}-{decision['supplier_id']}"
    return {"order_number": number} | {name: decision[name] for name in names if name in decision}


def usable(offer: Row, suppliers: Mapping[str, Row], day: date) -> str:
    """Whether a supplier may take an order: empty, or why not."""
    if offer["valid_from"] > day:
        return f"valid from {offer['valid_from']}"
    if offer["valid_to"] is not None and offer["valid_to"] < day:
        return f"valid until {offer['valid_to']}"
    return "" if suppliers[offer["supplier_id"]]["is_active"] else "the supplier is inactive"


def ranked(facts: Facts) -> list[Row]:
    """The offers in the order in which they are asked."""
    return sorted(facts.offers, key=lambda row: (row["priority"], row["supplier_id"], row["valid_from"]))


def _terms(facts: Facts) -> dict[str, Any]:
    """The supplier and its terms: its own first, then those of the product, the rule and the supplier's account."""
    offers = ranked(facts)
    valid = [row for row in offers if not usable(row, facts.suppliers, facts.day).startswith("valid")]
    offer: Row = next((row for row in valid if not usable(row, facts.suppliers, facts.day)), {})
    supplier: Row = facts.suppliers[offer["supplier_id"]] if offer else {}
    sleeping = next((row["supplier_id"] for row in valid if usable(row, facts.suppliers, facts.day)), None)
    product, rule = facts.product or {}, facts.rule
    lead, lead_source = _first_set((offer, "product_suppliers"), (supplier, "suppliers"), name="lead_time_days")
    pack, pack_source = _first_set((offer, "product_suppliers"), (product, "products"), name="pack_size")
    moq, moq_source = offer.get("moq"), "product_suppliers"
    if moq is None:
        moq, moq_source = (rule["moq"], "replenishment_rules") if rule else (1, "default")
    none = None if offer else "inactive" if valid else "not_valid" if offers else "not_mapped"
    made = {
        "supplier_id": offer.get("supplier_id"), "supplier_priority": offer.get("priority"), "no_supplier_reason": none,
        "passed_over_supplier_id": sleeping if not offer or _is_before(valid, sleeping, offer) else None,
        "pack_size": pack, "pack_size_source": pack_source, "moq": moq, "moq_source": moq_source,
        "unit_cost": offer.get("unit_cost"), "lead_time_days": lead, "lead_time_source": lead_source,
    }  # fmt: skip
    currency = offer.get("currency") or supplier.get("currency")
    return made | ({"currency": currency} if currency or not offer else {})


def _first_set(*places: tuple[Row, str], name: str) -> tuple[Any, str | None]:
    return next(((row[name], source) for row, source in places if row.get(name) is not None), (None, None))


def _is_before(offers: list[Row], supplier_id: str | None, chosen: Row) -> bool:
    first = next((row for row in offers if row["supplier_id"] == supplier_id), None)
    return first is not None and first["priority"] < chosen["priority"]


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
    return "invalid_terms" if any(bad) else None


def _final(decision: Row) -> str:
    """The step that gave the order's quantity: the last one that the row has."""
    later = ("after_fill_qty", "after_maximum_qty", "after_level_qty")
    return next((name for name in later if decision.get(name) is not None), "after_pack_qty")


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
