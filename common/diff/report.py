"""A comparison in words and numbers: one screen of text, or everything as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from common.diff.compare import Comparison, plan_totals
from common.diff.lines import Change, Line, Money, total, units
from common.publish.order_files import money
from common.terminal import Terminal

_SUPPLIERS, _LINES = 8, 14  # rows shown on one screen
_TEXT = 30


def as_text(comparison: Comparison, terminal: Terminal | None = None) -> str:
    """One screen: totals, the part of each input, the suppliers and the lines with the largest changes.

    What the terminal (one that can show everything, where none is given) would obey or can't show is `?` in a name.
    """
    shown = terminal or Terminal()
    found = comparison.changes
    blocks = [_totals(comparison)]
    if any(part.changes for part in comparison.parts):
        blocks.append(_parts(comparison))
    if found:
        blocks += [_suppliers(comparison, shown), _lines(comparison, shown)]
    else:
        blocks.append(["no order line differs"])
    if comparison.notes:
        blocks.append([f"note: {shown.text(note)}" for note in comparison.notes])
    return "\n\n".join("\n".join(block) for block in blocks)


def as_json(comparison: Comparison) -> dict[str, Any]:
    """All of it: every line that differs, with its parts. Money is text with two decimals."""
    plans = {}
    for side, plan in (("old", comparison.old), ("new", comparison.new)):
        lines, suppliers, of_units, of_cost = plan_totals(plan)
        plans[side] = {"lines": lines, "suppliers": suppliers, "units": of_units, "cost": _amounts(of_cost)}
    for side, day, name in zip(("old", "new"), comparison.business_dates, comparison.names, strict=True):
        plans[side] |= {"business_date": day, "name": name}
    return {
        **plans,
        "counts": {kind: _count(comparison.changes.values(), kind) for kind in ("came", "went", "changed")},
        "parts": [
            {"input": p.input, "lines": len(p.changes), "units": p.units, "cost": _amounts(p.cost)} for p in comparison.parts
        ],
        "suppliers": [
            {
                "supplier_id": s.supplier_id, "name": s.name, "units": s.units, "cost": _amounts(s.cost),
                **{kind: s.count(kind) for kind in ("came", "went", "changed")},
            }
            for s in comparison.by_supplier()
        ],
        "lines": [_line(comparison, change) for change in comparison.largest()],
        "notes": list(comparison.notes),
    }  # fmt: skip


def _line(comparison: Comparison, change: Change) -> dict[str, Any]:
    line = change.line
    parts = comparison.parts_of(line.key)
    return {
        "sku": line.sku, "product_name": line.product_name, "supplier_id": line.supplier_id, "kind": change.kind,
        "old": _side(change.old), "new": _side(change.new), "units": change.units, "cost": _amounts(change.cost),
        "parts": {name: {"units": of_units, "cost": _amounts(of_cost)} for name, (of_units, of_cost) in parts.items()},
    }  # fmt: skip


def _side(line: Line | None) -> dict[str, Any] | None:
    if line is None:
        return None
    return {"order_qty": line.order_qty, "line_cost": money(line.line_cost), "currency": line.currency}


def _count(changes: Any, kind: str) -> int:
    return sum(change.kind == kind for change in changes)


def _amounts(amount: Money) -> dict[str, str]:
    return {currency: money(value) for currency, value in amount.items()}


def _money(amount: Money, sign: str = "+") -> str:
    if not amount:
        return "0.00"
    return ", ".join(f"{value:{sign},.2f} {currency}" for currency, value in amount.items())


def _totals(comparison: Comparison) -> list[str]:
    rows = [["", "lines", "suppliers", "units", "cost"]]
    for name, plan in zip(comparison.names, (comparison.old, comparison.new), strict=True):
        lines, suppliers, of_units, of_cost = plan_totals(plan)
        rows.append([name, f"{lines:,}", f"{suppliers:,}", f"{of_units:,}", _money(of_cost, "")])
    kinds = [f"{_count(comparison.changes.values(), kind):,} {kind}" for kind in ("came", "went", "changed")]
    return [*_table(rows, "<>>>>"), f"lines: {', '.join(kinds)}"]


def _parts(comparison: Comparison) -> list[str]:
    rows = [["input", "lines", "units", "cost"]]
    rows += [[p.input, f"{len(p.changes):,}", f"{p.units:+,}", _money(p.cost)] for p in comparison.parts if p.changes]
    suppliers = comparison.by_supplier()
    difference = sum(s.units for s in suppliers), total(s.cost for s in suppliers)
    rows.append(["all of them", f"{len(comparison.changes):,}", f"{difference[0]:+,}", _money(difference[1])])
    nothing = ", ".join(p.input for p in comparison.parts if not p.changes)
    return [*_table(rows, "<>>>"), *([f"no part: {nothing}"] if nothing else [])]


def _suppliers(comparison: Comparison, shown: Terminal) -> list[str]:
    found = comparison.by_supplier()
    rows = [["supplier", "name", "came", "went", "changed", "units", "cost"]]
    for s in found[:_SUPPLIERS]:
        counts = [str(s.count(kind)) for kind in ("came", "went", "changed")]
        rows.append([shown.text(s.supplier_id), _short(s.name, shown), *counts, f"{s.units:+,}", _money(s.cost)])
    return _table(rows, "<<>>>>>") + _more(len(found) - _SUPPLIERS, "suppliers", shown)


def _lines(comparison: Comparison, shown: Terminal) -> list[str]:
    found = comparison.largest()
    rows = [["SKU", "product", "supplier", "units", "cost", "because of"]]
    for change in found[:_LINES]:
        line = change.line
        before_after = f"{units(change.old):,} {'→' if shown.is_unicode else '->'} {units(change.new):,}"
        causes = ", ".join(comparison.parts_of(line.key))
        names = [shown.text(line.sku), _short(line.product_name, shown), shown.text(line.supplier_id)]
        rows.append([*names, before_after, _money(change.cost), causes])
    return _table(rows, "<<<>><") + _more(len(found) - _LINES, "lines", shown)


def _more(count: int, what: str, shown: Terminal) -> list[str]:
    return [f"{_dots(shown)} and {count:,} more {what}: --json has all"] if count > 0 else []


def _short(text: str, shown: Terminal) -> str:
    text, dots = shown.text(text), _dots(shown)
    return text if len(text) <= _TEXT else text[: _TEXT - len(dots)] + dots


def _dots(shown: Terminal) -> str:
    return "…" if shown.is_unicode else "..."


def _table(rows: Sequence[Sequence[str]], align: str) -> list[str]:
    widths = [max(len(row[n]) for row in rows) for n in range(len(align))]
    return ["  ".join(f"{text:{a}{w}}" for text, a, w in zip(row, align, widths, strict=True)).rstrip() for row in rows]
