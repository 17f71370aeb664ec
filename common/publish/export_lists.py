"""What lies beside the order files: exceptions.csv, exceptions.json and the manifest."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

from common.publish.export import describe
from common.publish.order_files import Order, add_exactly, money, render
from common.publish.release import CANCELLED, Decision, History, changes

# what a spreadsheet takes for the beginning of a formula, in the wide letters of East Asian keyboards, too
_FORMULA = re.compile(r"(^|[;\t\r\n])(?=[\s\"']*[=+\-@＝＋－＠])")
_NUMBER = re.compile(r"-?[0-9]+(\.[0-9]+)?", re.ASCII)


def exception_files(day: date, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> dict[str, bytes]:
    """`exceptions.csv` (UTF-8, header, comma, LF, NULL is empty) and `exceptions.json` of the same rows, sorted.

    Amounts are text in JSON, as in the orders. A text that a spreadsheet would run as a formula is made harmless in the
    CSV by `inert`; the JSON has it as it is.
    """
    plain = sorted(([_plain(value) for value in row] for row in rows), key=_order_of)
    lines: list[str] = []
    # the writer quotes what its own line end holds: with CRLF a lone CR in a text is quoted, too
    writer = csv.writer(SimpleNamespace(write=lambda line: lines.append(line.removesuffix("\r\n") + "\n")))
    writer.writerow(["business_date", *columns])
    writer.writerows([day.isoformat(), *map(inert, row)] for row in plain)
    entries = [dict(zip(columns, row, strict=True)) for row in plain]
    tree = {"schema_version": 1, "business_date": day.isoformat(), "exceptions": entries}
    return {"exceptions.csv": "".join(lines).encode(), "exceptions.json": render(tree)}


def inert(value: Any) -> Any:
    """A cell of a CSV file that no spreadsheet runs: a text that begins like a formula gets an apostrophe in front.

    Numbers and amounts are ours and stay numbers. Where a spreadsheet takes the semicolon or the tab for the separator,
    a cell begins behind each of them, too.
    """
    return _FORMULA.sub(r"\1'", value) if isinstance(value, str) and not _NUMBER.fullmatch(value) else value


def _plain(value: Any) -> Any:
    if isinstance(value, Decimal):
        return format(value, "f")
    return value.isoformat() if isinstance(value, date) else value


def _order_of(row: Sequence[Any]) -> list[tuple[bool, Any]]:
    return [(value is not None, value if isinstance(value, int) else str(value)) for value in row]


def costs_of(orders: Iterable[Order]) -> dict[str, str]:
    """Exact total of the orders in each currency."""
    costs: dict[str, list[Decimal]] = {}
    for order in orders:
        costs.setdefault(order.currency, []).append(order.cost)
    return {currency: money(add_exactly(costs[currency])) for currency in sorted(costs)}


def manifest(
    day: date, run_id: int, decisions: Sequence[Decision], names: Mapping[str, str], files: Mapping[str, bytes],
    exceptions: int, history: History,
) -> bytes:  # fmt: skip
    """`_manifest.json`: every file with its checksum, the orders, totals, and how they differ from earlier revisions.

    It is the only file of an export that names the run, and so the only one that differs between two equal exports.
    """
    listed = {entry["name"]: entry for entry in describe(files)}
    orders: list[dict[str, Any]] = []
    cancelled: list[dict[str, Any]] = []
    for decision in decisions:
        order = decision.order
        if order is None:
            last = {"last_revision": decision.revision - 1, "cancelled_by_revision": decision.revision}
            cancelled.append({"order_number": decision.order_number, "supplier_id": decision.supplier_id, **last})
            continue
        name = names[order.supplier_id]
        orders.append(
            {
                "file": name,
                "order_number": order.order_number,
                "supplier_id": order.supplier_id,
                "revision": decision.revision,
                "status": decision.status,
                "lines": len(order.lines),
                "order_qty": order.order_qty,
                "currency": order.currency,
                "cost": money(order.cost),
                "size": listed[name]["size"],
                "sha256": listed[name]["sha256"],
            }
        )
    totals = {
        "orders": len(orders),
        "lines": sum(entry["lines"] for entry in orders),
        "order_qty": sum(entry["order_qty"] for entry in orders),
        "cost": costs_of(decision.order for decision in decisions if decision.order),
        "exceptions": exceptions,
        CANCELLED: len(cancelled),
    }
    return render(
        {
            "version": 1,
            "business_date": day.isoformat(),
            "run_id": run_id,
            "totals": totals,
            "orders": orders,
            "cancelled": cancelled,
            "changes": changes(decisions, history),
            "files": list(listed.values()),
        }
    )
