"""The explanation of one supplier's order as data: what is on it, what each rule added to it, what is not on it and why."""

from __future__ import annotations

from collections import Counter
from decimal import Decimal
from typing import Any

from common.errors import Failure, NoInput
from common.exceptions.codes import SEVERITIES
from common.explain.arithmetic import compare, disagreements
from common.explain.explanation import provenance
from common.explain.facts import Facts, facts_of_skus
from common.explain.lineage import DECISIONS, EXCEPTIONS, Lineage
from common.explain.minimum import compare_minimum, concerned, needs_history
from common.explain.nearest import nearest_skus
from common.explain.sent import sent_order
from common.explain.stored import Rows, all_rows, rows_where
from common.planning_steps import sentence, trail
from common.publish.order_files import add_exactly
from common.publish.run import Clients
from common.terminal import Terminal

_LINE = (
    "line_no", "sku", "product_name", "net_demand_qty", "order_qty", "packs", "pack_size", "unit_cost", "line_cost", "due_date",
)  # fmt: skip
# a SKU of these has nothing that could be ordered
_QUIET = ("enough_stock", "not_planned")


def order_explanation(clients: Clients, lineage: Lineage, supplier_id: str, shown_lines: int) -> dict[str, Any]:
    """Everything that there is to say about a supplier's order of a date; NoInput with the nearest names for a stranger."""
    supplier = next(iter(_where(clients, lineage, "staging.suppliers", "supplier_id", supplier_id)), None)
    if supplier is None:
        raise _unknown(clients, lineage, supplier_id)
    decisions = _where(clients, lineage, DECISIONS, "supplier_id", supplier_id)
    offers = {row["sku"] for row in _where(clients, lineage, "staging.product_suppliers", "supplier_id", supplier_id)}
    passed_over = _where(clients, lineage, DECISIONS, "passed_over_supplier_id", supplier_id)
    over = concerned(decisions)
    wanted = {row["sku"] for row in decisions if row["outcome"] not in _QUIET}.union(over)
    facts = facts_of_skus(clients, lineage, wanted, history=needs_history(decisions))
    lines = sorted((f for f in facts.values() if f.line), key=lambda f: (-f.line["line_cost"], f.line["line_no"]))  # type: ignore[index]
    compared = [one for found in facts.values() for one in compare(found)]
    compared += compare_minimum({sku: facts[sku] for sku in over}, supplier)
    sent, notes = _sent(clients, lineage, supplier_id, lines)
    return {
        "business_date": lineage.day,
        "supplier": {k: supplier[k] for k in ("supplier_id", "name", "is_active", "lead_time_days", "currency", "email")},
        "order": _totals(lines),
        "lines": [_line(found) for found in lines[:shown_lines]],
        "rest": _totals(lines[shown_lines:]),
        "not_ordered": _not_ordered(decisions),
        "passed_over": [row["sku"] for row in passed_over if (row["net_demand_qty"] or 0) > 0],
        "mapped_skus": len(offers),
        "others_first": len(offers - {row["sku"] for row in decisions} - {row["sku"] for row in passed_over}),
        "exceptions": _exceptions(clients, lineage, supplier_id),
        "sent": sent,
        "provenance": provenance(lineage),
        "checks": {
            "agrees": all(one.agrees for one in compared),
            "compared": len(compared),
            "differences": list(disagreements(compared)),
        },
        "notes": [*lineage.notes, *notes],
    }


def _where(clients: Clients, lineage: Lineage, table: str, column: str, value: str) -> Rows:
    return rows_where(clients.hdfs, lineage.locations[table], column, [value])


def _line(found: Facts) -> dict[str, Any]:
    line = found.line or {}
    raised = sorted(row["code"] for row in found.exceptions)
    return {k: line.get(k) for k in _LINE} | {
        "bound_by": found.decision["bound_by"], "sentence": sentence(found.decision), "exceptions": raised,
    }  # fmt: skip


def _totals(lines: list[Facts]) -> dict[str, Any] | None:
    """Sums over order lines, and what each step added to them; the changes add up to the units. None without a line."""
    rows = [found.line for found in lines if found.line]
    if not rows:
        return None
    steps: Counter[str] = Counter()
    for found in lines:
        steps.update({moved.step.name: moved.change for moved in trail(found.decision)})
    return {
        "order_number": rows[0]["order_number"], "line_count": len(rows), "order_qty": sum(r["order_qty"] for r in rows),
        "packs": sum(r["packs"] for r in rows), "cost": add_exactly(r["line_cost"] for r in rows),
        "currency": rows[0]["currency"],
        "first_due_date": min(r["due_date"] for r in rows), "last_due_date": max(r["due_date"] for r in rows),
        "steps": {name: change for name, change in steps.items() if change},
    }  # fmt: skip


def _not_ordered(decisions: Rows) -> list[dict[str, Any]]:
    """The SKUs that would go to the supplier and are not ordered, by outcome; named where something is needed."""
    by_outcome: dict[str, list[str]] = {}
    for row in decisions:
        if row["outcome"] != "ordered":
            by_outcome.setdefault(row["outcome"], []).append(row["sku"])
    return [
        {"outcome": outcome, "count": len(skus), "skus": [] if outcome in _QUIET else sorted(skus)}
        for outcome, skus in sorted(by_outcome.items(), key=lambda item: (item[0] in _QUIET, item[0]))
    ]


def _exceptions(clients: Clients, lineage: Lineage, supplier_id: str) -> list[dict[str, Any]]:
    """What was raised about the supplier and its lines, by code, the gravest and then the dearest first."""
    if EXCEPTIONS not in lineage.locations:
        return []
    by_code: dict[str, Rows] = {}
    for row in _where(clients, lineage, EXCEPTIONS, "supplier_id", supplier_id):
        by_code.setdefault(row["code"], []).append(row)
    found = [
        {
            "code": code, "severity": rows[0]["severity"], "count": len(rows), "action": rows[0]["action"],
            "cost_at_risk": add_exactly(map(_at_risk, rows)),
            # one about the order itself says it in words, those of its lines are explained SKU by SKU
            "message": rows[0]["message"] if rows[0]["sku"] is None else None,
            "skus": [row["sku"] for row in sorted(rows, key=lambda r: (-_at_risk(r), r["sku"] or ""))],
        }
        for code, rows in by_code.items()
    ]  # fmt: skip
    return sorted(found, key=lambda e: (SEVERITIES.index(str(e["severity"])), -e["cost_at_risk"], e["code"]))


def _at_risk(row: dict[str, Any]) -> Decimal:
    """The money of an exception; a run from before it was called cost_at_risk has it as cost."""
    return row.get("cost_at_risk") or row.get("cost") or Decimal(0)


def _sent(clients: Clients, lineage: Lineage, supplier_id: str, lines: list[Facts]) -> tuple[dict[str, Any] | None, list[str]]:
    """What the supplier was sent, and what is to be said where that is not this order."""
    next_command = f"./submit.sh export_orders {lineage.day}"
    try:
        order = sent_order(clients.settings, lineage.day, supplier_id)
    except Failure as failure:
        return None, [f"{failure.what} ({failure.where})"]
    if order is None:
        return None, [f"not exported yet, or not here: {next_command}"] if lines else []
    sent = {sku: (line["order_qty"], line["line_cost"]) for sku, line in order.pop("lines").items()}
    decided = {found.sku: (found.line["order_qty"], str(found.line["line_cost"])) for found in lines if found.line}
    differ = sum(sent.get(sku) != decided.get(sku) for sku in sent.keys() | decided.keys())
    return order, [f"the exported order is of another plan, {differ} lines differ: {next_command}"] if differ else []


def _unknown(clients: Clients, lineage: Lineage, supplier_id: str) -> NoInput:
    orders = Counter(row["supplier_id"] for row in all_rows(clients.hdfs, lineage.locations[DECISIONS], ("supplier_id",)))
    known = all_rows(clients.hdfs, lineage.locations["staging.suppliers"], ("supplier_id", "name"))
    rows = [
        {"sku": row["supplier_id"], "product_name": row["name"], "order_qty": 0, "requirement_qty": orders[row["supplier_id"]]}
        for row in known
    ]
    near = nearest_skus(supplier_id, rows)
    listed = "".join(f"\n  {row['sku']}  {Terminal().text(row['product_name'])}" for row in near)
    return NoInput(
        f"there is no supplier {supplier_id!r} on {lineage.day}" + (f". The nearest:{listed}" if near else ""),
        where=lineage.locations["staging.suppliers"],
        next=f"./submit.sh explain {lineage.day} --supplier {near[0]['sku'] if near else 'ID'}",
    )
