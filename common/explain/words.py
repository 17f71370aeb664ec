"""What the screen says of each part of an explanation, in lines of text."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

_FALLBACKS = {
    "no_supplier": "without a supplier there is no next order day",
    "invalid_lead_time": "the lead time can't be used",
    "no_next_order_day": "the supplier has no next order day",
    "few_days": "too few days of the window count",
}
# steps that are told even where they changed nothing; those of options only where they did
_ALWAYS = ("need", "moq", "pack", "order")
Styled = tuple[str, str]
STYLES = {"error": "red", "warning": "yellow", "notice": ""}
_SOURCES = {
    "product_suppliers": "the supplier for this SKU",
    "products": "the product",
    "replenishment_rules": "the rule",
    "suppliers": "the supplier",
    "default": "default (no rule: 1)",
}
_SAFETY = {"rule": "safety stock of the rule", "snapshot": "safety stock of the snapshots", "none": "safety stock not set: 0"}


def number(value: int | None) -> str:
    """A quantity for people; one that is not known says so."""
    return "not known" if value is None else f"{value:,}"


def product_name(name: str | None) -> str:
    """The name of a product; master data takes one without."""
    return "(no product)" if name is None else name or "(no name)"


def count(quantity: int, noun: str) -> str:
    """`1 pack`, `5 packs`"""
    return f"{quantity:,} {noun}{'' if quantity == 1 else 's'}"


def need(found: dict[str, Any]) -> list[str]:
    """The formula with its numbers, and where they are from."""
    terms = found["formula"]
    if terms["hold_reason"]:
        return [f"not known ({terms['hold_reason']}): " + _sum(terms)]
    if terms["net_demand_qty"] is None:
        return [f"past what can be stored: {terms['overflow']}"]
    lines = []
    if terms.get("policy") == "order_up_to":
        lines.append(
            f"requirement {number(terms['requirement_qty'])}: demand of {count(terms['window_days'], 'day')}, "
            f"{number(terms['window_demand_qty'])}, over the {count(terms['horizon_days'], 'day')} to cover, rounded up"
        )
    if terms.get("policy_fallback"):
        fallback = terms["policy_fallback"]
        lines.append(f"the formula decided, not order_up_to: {_FALLBACKS.get(fallback, fallback)}")
    lines.append(_sum(terms))
    safety = _SAFETY[terms["safety_stock_source"]]
    other = terms["snapshot_safety_stock_qty"]
    if terms["safety_stock_source"] == "rule" and other is not None and other != terms["rule_safety_stock_qty"]:
        safety += f" (the snapshots say {number(other)})"
    lines.append(f"{count(terms['order_line_count'], 'order line')}; {safety}; {count(terms['stock_row_count'], 'stock row')}")
    return lines


def _sum(terms: dict[str, Any]) -> str:
    is_formula = terms.get("policy") != "order_up_to"
    left = f"demand {number(terms['demand_qty'])}" if is_formula else f"requirement {number(terms['requirement_qty'])}"
    free = f"(available {number(terms['available_qty'])} - reserved {number(terms['reserved_qty'])})"
    text = f"{left} + safety stock {number(terms['safety_stock_qty'])} - {free}"
    if terms.get("on_order_qty"):
        text += f" - on order {number(terms['on_order_qty'])}"
    if terms["net_demand_qty"] is None:
        return text
    if terms["net_demand_qty"]:
        return f"{text} = {number(terms['net_demand_qty'])}"
    lack = terms["requirement_qty"] + terms["safety_stock_qty"] - terms["position_qty"] - (terms.get("on_order_qty") or 0)
    return f"{text} = {number(lack)}: no need"


def on_order(found: dict[str, Any]) -> list[str]:
    """What was ordered on earlier dates and has not come."""
    rows = [row for row in found["on_order"] if not row["is_closed"]]
    counts = "" if found["formula"].get("policy") == "order_up_to" else ", which the policy formula does not count"
    lines = [f"{count(sum(row['open_qty'] for row in rows), 'unit')}{counts}:"] if rows else []
    return lines + _table(
        (row["order_number"], number(row["open_qty"]), f"of {number(row['released_qty'])}, due {row['due_date'] or 'not known'}")
        for row in rows
    )


def steps(found: dict[str, Any]) -> list[Styled]:
    """The quantity after each step and what it changed; the changes add up to the order."""
    terms, shown = found["terms"], []
    for step in found["steps"]:
        if not step["change"] and step["step"] not in _ALWAYS:
            continue
        label = step["name"]
        if step["step"] == "moq":
            label = f"MOQ {number(terms['moq'])}"
        elif step["step"] == "pack":
            label = f"packs of {number(terms['pack_size'])}"
        elif step["step"] == "maximum":
            label = f"maximum {number(terms.get('max_order_qty'))}"
        change = f"{step['change']:+,}" if step["change"] else "0"
        if step["step"] == "order":
            remark = "" if found["order"] else found["reason"]
        else:
            remark = "what decided" if step["is_binding"] else ""
        if step["step"] == "fill":
            remark = terms.get("fill_note") or remark
        shown.append((label, number(step["quantity"]), change, remark, step["is_binding"]))
    widths = [max(len(row[n]) for row in shown) for n in range(3)]
    return [
        (f"{a:<{widths[0]}}  {b:>{widths[1]}}  {c:>{widths[2]}}  {remark}".rstrip(), "bold" if is_binding else "")
        for a, b, c, remark, is_binding in shown
    ]


def order(found: dict[str, Any]) -> list[str]:
    """The line of the order, with its terms and where they are from."""
    line, terms = found["order"], found["terms"]
    if line is None:
        return []
    sent = found["sent"]
    name = f", sent as revision {sent['revision']} in {sent['file'].rpartition('/')[2]}" if sent else ""
    return [
        f"{count(line['packs'], 'pack')} of {number(line['pack_size'])} at {line['unit_cost']} = {line['line_cost']:,} "
        f"{line['currency']}, due {line['due_date']} ({count(terms['lead_time_days'], 'day')})",
        _by_source(terms),
        f"{line['order_number']} line {line['line_no']}{name}",
    ]


def _by_source(terms: dict[str, Any]) -> str:
    """Who states each of the terms, those of one source together."""
    named: dict[str, list[str]] = {}
    for term, name in (("moq", "MOQ"), ("pack_size", "pack"), ("lead_time", "lead time")):
        named.setdefault(_SOURCES[terms[f"{term}_source"]], []).append(name)
    return ", ".join(f"{' and '.join(names)} by {source}" for source, names in named.items())


def suppliers(found: dict[str, Any]) -> list[Styled]:
    """Who was chosen, and why the others were not."""
    lines: list[Styled] = []
    for offer in found["suppliers"]:
        own = [f"{offer['unit_cost']} {offer['currency'] or ''}".rstrip(), count(offer["lead_time_days"], "day")]
        own += [f"packs of {number(offer['pack_size'])}"] if offer["pack_size"] is not None else []
        own += [f"MOQ {number(offer['moq'])}"] if offer["moq"] is not None else []
        text = f"{offer['supplier_id']} {offer['why']}; {', '.join(own)}; {offer['name']}"
        lines.append((text, "bold" if offer["is_chosen"] else ""))
    return lines or [("no supplier is mapped to this SKU (product_suppliers)", "")]


def exceptions(found: dict[str, Any]) -> list[Styled]:
    """What was raised about the SKU, and what to do about it."""
    lines = []
    for line in found["exceptions"]:
        since = {"new": ", new", "open": f", for {count(line.get('nights_open') or 0, 'night')}"}.get(line.get("state") or "", "")
        risk = f", {line['cost_at_risk']:,} {line['currency']} at risk" if line.get("cost_at_risk") else ""
        text = f"{line['severity']} {line['code']}{since}{risk}: {line['message']}. {line['action']}"
        lines.append((text, STYLES[line["severity"]]))
    return lines or [("none", "")]


def sources(found: dict[str, Any]) -> list[str]:
    """Which raw files and lines the numbers are from, the largest order lines first."""
    made = found["provenance"]
    orders, stock, rejected = (found["sources"][kind] for kind in ("order_lines", "stock_rows", "rejected"))
    where = made.get("orders", {}).get("raw", "the raw orders")
    lines = [f"no order line of {where} counts"]
    if orders["count"]:
        files = count(orders["file_count"], "file")
        lines = [f"{count(orders['count'], 'order line')} in {files} of {where}, {count(orders['quantity'], 'unit')}:"]
    lines += _table(
        (_place(row), number(row["quantity"]), f"order {row['order_id']} line {row['line_no']}, store {row['store_id']}")
        for row in orders["shown"]
    )
    if orders["rest_count"]:
        lines.append(f"  and {orders['rest_count']:,} more with {count(orders['rest_quantity'], 'unit')}")
    where = made.get("stock", {}).get("raw", "the raw stock")
    lines.append(f"{count(stock['count'], 'stock row')} of {where}:" if stock["count"] else f"no stock row of {where}, so zero")
    lines += _table(
        (
            _place(row), f"available {number(row['available_qty'])}", f"reserved {number(row['reserved_qty'])}",
            f"safety stock {'not set' if row['safety_stock_qty'] is None else number(row['safety_stock_qty'])}",
        )
        for row in stock["shown"]
    )  # fmt: skip
    lines += [f"  and {count(stock['rest_count'], 'more row')}"] if stock["rest_count"] else []
    lines += [f"{count(rejected['count'], 'row')} not counted:"] if rejected["count"] else []
    verbs = {"reject": "rejected", "set_aside": "set aside"}
    lines += _table((_place(row), verbs[row["action"]], ", ".join(row["reasons"])) for row in rejected["shown"])
    return lines + ([f"  and {count(rejected['rest_count'], 'more row')}"] if rejected["rest_count"] else [])


def _place(row: dict[str, Any]) -> str:
    return f"{row['source_file']}:{row['source_line']}"


def _table(rows: Iterable[tuple[str, ...]]) -> list[str]:
    """Rows with their columns one under the other, a number at the right of its own."""
    listed = list(rows)
    widths = [max(map(len, column)) for column in zip(*listed, strict=True)]
    return [
        "  " + "  ".join(f"{t:>{w}}" if t[0].isdigit() else f"{t:<{w}}" for t, w in zip(row, widths, strict=True)).rstrip()
        for row in listed
    ]


def provenance(found: dict[str, Any]) -> list[str]:
    """Which run and code decided, on which master data."""
    made = found["provenance"]
    by = made["decided"]
    at = f" {by['ended_at']:%Y-%m-%d %H:%M} UTC" if by["ended_at"] else ""
    here = "" if by["is_code_of_here"] else " (another here)"
    lines = [f"run {by['run_id']} ({by['command']}){at}, code {by['code_version'][:12]}{here}"]
    return lines + _table(
        (f"/raw/{name}/", f"manifest {own.get('manifest_sha256', '')[:12]}", f"staged by run {own.get('run_id', 'unknown')}")
        for name in ("master", "orders", "stock")
        if (own := made.get(name))
    )


def checked(found: dict[str, Any]) -> list[Styled]:
    """Whether the arithmetic done once more comes to the same."""
    checks = found["checks"]
    if not checks["compared"]:
        return [("there is no number to compute again", "")]
    if checks["agrees"]:
        return [(f"computed again from these rows: all {checks['compared']:,} numbers agree", "")]
    head = f"COMPUTED AGAIN from these rows, {len(checks['differences'])} of {checks['compared']:,} numbers DISAGREE:"
    return [(head, "red"), *((f"  {text}", "red") for text in checks["differences"])]
