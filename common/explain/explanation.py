"""The explanation of one SKU as data: what `--json` prints and what the screen is made from."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Any

from common.exceptions.codes import SEVERITIES
from common.explain.arithmetic import Compared, compare, disagreements
from common.explain.facts import Facts, Row
from common.explain.lineage import DECISIONS, EXCEPTIONS, NEED, ORDER_LINES, STOCK, Lineage
from common.explain.offers import ranked, usable
from common.explain.plot import summary
from common.planning_steps import Moved, reason, sentence, told, trail
from common.publish.run import code_version

_FORMULA = (
    "policy", "policy_source", "policy_fallback", "requirement_qty", "safety_stock_qty", "position_qty", "on_order_qty",
    "net_demand_qty",
    "window_demand_qty", "window_days", "horizon_days", "next_order_date",
)  # fmt: skip
_NEED = (
    "demand_qty", "order_line_count", "available_qty", "reserved_qty", "free_qty", "stock_row_count", "safety_stock_source",
    "rule_safety_stock_qty", "snapshot_safety_stock_qty", "hold_reason", "overflow",
)  # fmt: skip
_TERMS = (
    "pack_size", "pack_size_source", "moq", "moq_source", "unit_cost", "currency", "lead_time_days", "lead_time_source",
    "max_order_qty", "lead_time_unit", "fill_note", "minimum_status",
)  # fmt: skip
Sent = tuple[dict[str, Any] | None, list[str]]


def explanation(
    facts: Facts, lineage: Lineage, shown_lines: int, sent: Sent = (None, []), minimum: Iterable[Compared] = ()
) -> dict[str, Any]:
    """Everything that there is to say about a SKU; of its order lines the largest `shown_lines`, the rest counted.

    sent     what the supplier was sent of it, as sent.sent_line says
    minimum  what its supplier's minimum made of it, computed once more by minimum.minimum_of
    """
    # the reason of a hold is the need's; a decision of an older run does not repeat it
    decision = {"hold_reason": facts.need.get("hold_reason")} | dict(facts.decision)
    product = facts.product or {"name": decision["product_name"], "status": decision["product_status"]}
    compared = [*compare(facts), *minimum]
    return {
        "business_date": facts.day,
        "sku": facts.sku,
        "product": {k: product.get(k) for k in ("name", "department", "category", "base_unit", "status")},
        "outcome": decision["outcome"],
        "reason": None if decision["outcome"] == "ordered" else reason(decision),
        "sentence": sentence(decision),
        "formula": {k: decision[k] for k in _FORMULA if k in decision} | {k: facts.need.get(k) for k in _NEED},
        "steps": [_step(moved, decision) for moved in trail(decision)],
        "terms": {k: decision.get(k) for k in _TERMS},
        "on_order": facts.open_orders,
        "order": _order(facts),
        "sent": sent[0],
        "suppliers": suppliers(facts),
        "exceptions": sorted(facts.exceptions, key=_by_rank),
        "history": {
            "days": [{"business_date": on, "quantity": qty} for on, qty in facts.history.items()],
            "summary": summary(facts.history),
        },
        "sources": {
            "order_lines": _sample(facts.order_lines, shown_lines),
            "stock_rows": _sample(facts.stock, shown_lines),
            "rejected": _sample(facts.rejected, shown_lines),
        },
        "provenance": provenance(lineage),
        "checks": {
            "agrees": all(one.agrees for one in compared),
            "compared": len(compared),
            "differences": list(disagreements(compared)),
        },
        "notes": [*lineage.notes, *facts.notes, *sent[1]],
    }


def _by_rank(row: Row) -> tuple[Any, ...]:
    """The order to work in; a run from before there were ranks has severities."""
    return row.get("rank") or 0, SEVERITIES.index(row["severity"]), row["code"]


def _step(moved: Moved, decision: Row) -> dict[str, Any]:
    return {
        "step": moved.step.code,
        "name": moved.step.name,
        "column": moved.step.column,
        "quantity": moved.quantity,
        "change": moved.change,
        "what": told(moved, decision) if moved.change else "",
        "is_binding": moved.step.code == decision.get("bound_by"),
    }


def _order(facts: Facts) -> dict[str, Any] | None:
    """The line of the order; None without one."""
    names = (
        "order_number", "line_no", "supplier_id", "supplier_name", "order_qty", "packs", "pack_size", "unit_cost", "line_cost",
        "currency", "lead_time_days", "due_date",
    )  # fmt: skip
    return {name: facts.line.get(name) for name in names} if facts.line else None


def suppliers(facts: Facts) -> list[dict[str, Any]]:
    """Every supplier that is mapped to the SKU, in the order in which they are asked, and why it was chosen or not."""
    chosen = facts.decision["supplier_id"]
    is_ordered = facts.decision["outcome"] == "ordered"
    found, is_taken = [], False
    for offer in ranked(facts):
        supplier = facts.suppliers[offer["supplier_id"]]
        hindrance = usable(offer, facts.suppliers, facts.day)
        is_chosen = offer["supplier_id"] == chosen and not hindrance and not is_taken
        if is_chosen:
            why = f"{'chosen' if is_ordered else 'would be asked'}: first by priority ({offer['priority']})"
        elif hindrance:
            why = f"not chosen: {hindrance} (priority {offer['priority']})"
        else:
            why = f"not chosen: priority {offer['priority']} comes after {chosen}"
        is_taken = is_taken or is_chosen
        found.append(
            {
                "supplier_id": offer["supplier_id"], "name": supplier["name"], "is_active": supplier["is_active"],
                "priority": offer["priority"], "valid_from": offer["valid_from"], "valid_to": offer["valid_to"],
                "is_chosen": is_chosen, "why": why,
                "unit_cost": offer["unit_cost"], "currency": offer["currency"] or supplier["currency"],
                "pack_size": offer["pack_size"], "moq": offer["moq"],
                "lead_time_days": supplier["lead_time_days"] if offer["lead_time_days"] is None else offer["lead_time_days"],
            }
        )  # fmt: skip
    return found


def _sample(rows: list[dict[str, Any]], shown: int) -> dict[str, Any]:
    """The first rows, and what the rest comes to."""
    rest = rows[shown:]
    made: dict[str, Any] = {"count": len(rows), "shown": rows[:shown], "rest_count": len(rest)}
    if rows and "quantity" in rows[0]:
        made |= {
            "quantity": sum(row["quantity"] for row in rows),
            "file_count": len({row["source_file"] for row in rows}),
            "rest_quantity": sum(row["quantity"] for row in rest),
        }
    return made


def provenance(lineage: Lineage) -> dict[str, Any]:
    """Which run and code decided, from which raw folders, and who staged them."""
    decided = lineage.made[DECISIONS]
    made: dict[str, Any] = {"decided": decided.said() | {"is_code_of_here": decided.code_version == code_version()}}
    named = {"need": NEED, "exceptions": EXCEPTIONS, "orders": ORDER_LINES, "stock": STOCK, "master": "staging.products"}
    for name, table in named.items():
        if table in lineage.made:
            made[name] = lineage.made[table].said() | {"location": lineage.locations[table]}
        if (raw := f"raw/{name}/{lineage.day}") in lineage.raw:
            made.setdefault(name, {})
            made[name] |= {"raw": f"/{raw}/", "manifest_sha256": lineage.raw[raw]}
    if lineage.exported:
        made["export"] = lineage.exported.said() | {"output": lineage.exported.notes.get("output")}
    return made


def days_of(found: dict[str, Any]) -> dict[date, int | None]:
    """The window of an explanation, with the date itself last."""
    days: dict[date, int | None] = {day["business_date"]: day["quantity"] for day in found["history"]["days"]}
    return days | {found["business_date"]: found["formula"]["demand_qty"]}
