"""The explanation of a supplier's order as one screen of text."""

from __future__ import annotations

from typing import Any

from common.explain import words
from common.explain.screen import Page
from common.explain.words import Styled, count, number
from common.terminal import Terminal

_SKUS = 6  # named in a list


def order_screen(found: dict[str, Any], terminal: Terminal) -> str:
    """The explanation of an order (see order.py) as one screen."""
    page = Page(terminal)
    supplier = found["supplier"]
    page.title(f"{supplier['supplier_id']}  {supplier['name']}", f"{found['business_date']}")
    page.section(None, [_sentence(found)])
    page.lines.append("")
    page.table(("sku", "product", "need", "order", "packs", "cost", "decided", ""), [_cells(line) for line in found["lines"]], 1)
    if found["lines"]:
        page.section(None, [_below(found), ""])
    page.section("not on it", _not_on_it(found))
    page.section("exceptions", _exceptions(found))
    if sent := found["sent"]:
        page.section("sent", [f"revision {sent['revision']} ({sent['status']}) in {sent['file'].rpartition('/')[2]}"])
    page.section("made by", words.provenance(found))
    page.section("checked", words.checked(found))
    page.section("note", [(note, "yellow") for note in found["notes"]])
    return str(page)


def _sentence(found: dict[str, Any]) -> str:
    order, supplier = found["order"], found["supplier"]
    if order is None:
        state = "" if supplier["is_active"] else ": it is not active"
        return f"nothing ordered from {supplier['supplier_id']}{state}"
    due = f"{order['first_due_date']}"
    if order["last_due_date"] != order["first_due_date"]:
        due += f" to {order['last_due_date']}"
    steps = ", ".join(
        f"need {number(change)}" if name == "need" else f"{change:+,} by {name}" for name, change in order["steps"].items()
    )
    return (
        f"{order['order_number']}: {count(order['line_count'], 'line')}, {count(order['order_qty'], 'unit')} in "
        f"{count(order['packs'], 'pack')} for {order['cost']:,} {order['currency']}, due {due}. Units: {steps}"
    )


def _cells(line: dict[str, Any]) -> tuple[str, ...]:
    flags = "!" if line["exceptions"] else ""
    return (
        line["sku"], line["product_name"], number(line["net_demand_qty"]), number(line["order_qty"]),
        f"{line['packs']:,} x {line['pack_size']:,}", f"{line['line_cost']:,}", line["bound_by"] or "", flags,
    )  # fmt: skip


def _below(found: dict[str, Any]) -> str:
    rest, lines = found["rest"], []
    if rest:
        units, cost = count(rest["order_qty"], "unit"), f"{rest['cost']:,} {rest['currency']}"
        lines.append(f"and {count(rest['line_count'], 'more line')}: {units}, {cost} (--lines N)")
    if any(line["exceptions"] for line in found["lines"]):
        lines.append(f"! has exceptions: ./submit.sh explain {found['business_date']} SKU")
    return "; ".join(lines)


def _not_on_it(found: dict[str, Any]) -> list[str]:
    lines = [
        f"{group['count']:,} {group['outcome']}" + (f": {_named(group['skus'])}" if group["skus"] else "")
        for group in found["not_ordered"]
    ]
    if found["passed_over"]:
        lines.append(f"{len(found['passed_over']):,} needed and passed over, as it is inactive: {_named(found['passed_over'])}")
    if found["others_first"]:
        mapped = count(found["mapped_skus"], "SKU")
        lines.append(f"{found['others_first']:,} of the {mapped} mapped to it have another supplier, or none")
    return lines


def _exceptions(found: dict[str, Any]) -> list[Styled]:
    lines = []
    for line in found["exceptions"]:
        cost = f", {line['cost_at_risk']:,} at risk" if line["cost_at_risk"] else ""
        named = [sku for sku in line["skus"] if sku]
        text = f"{line['severity']} {line['code']}: {line['count']:,}{cost}" + (f" ({_named(named)})" if named else "")
        text += f": {line['message']}" if line["message"] else ""
        lines.append((text, words.STYLES[line["severity"]]))
    return lines or [("none", "")]


def _named(skus: list[str]) -> str:
    """The first of a list, and how many more."""
    more = f" and {len(skus) - _SKUS:,} more" if len(skus) > _SKUS else ""
    return ", ".join(skus[:_SKUS]) + more
