"""What stands on the page: orders, exceptions and facts in the words and the order in which a planner reads them.

Nothing here decides or computes a quantity. Numbers become text here, or go exactly to the script.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any
from urllib.parse import quote

from common.exceptions.codes import SEVERITIES
from common.planning_steps import STEPS, sentence
from common.publish.order_files import Order, add_exactly
from common.report.charts import bars, in_words
from common.report.facts import OUTCOMES, SHOWN, Facts

# the exceptions that a chart of recent demand explains
CHARTED = ("demand_spike", "demand_drop")
MOST_CHARTS = 120
_NOTHING = Decimal(0)


@dataclass(frozen=True)
class Exported:
    """What lies in the directory that the report belongs to.

    orders      each with its revision and the name of its file
    cancelled   numbers of orders that were taken back
    exceptions  rows of planning.exceptions by column name, as exceptions.json has them
    """

    day: date
    run_id: int
    orders: Sequence[tuple[Order, int, str]]
    cancelled: Sequence[str] = ()
    exceptions: Sequence[Mapping[str, Any]] = field(default_factory=list)


def page(exported: Exported, facts: Facts, window: int) -> dict[str, Any]:
    """Everything that the template shows. window: days of history before the business date.

    What comes in thousands is made of tuples, which the template unpacks: looking names up took most of its time.
    """
    raised = sorted(exported.exceptions, key=_by_rank)
    of_sku: dict[str, list[int]] = {}
    for number, row in enumerate(raised):
        if row.get("sku"):
            of_sku.setdefault(row["sku"], []).append(number)
    line_of = {line.sku: f"L{n}.{line.line_no}" for n, (order, *_) in enumerate(exported.orders) for line in order.lines}
    why: dict[str, list[Any]] = {}
    orders = [_order(number, *given, facts, of_sku, raised, why) for number, given in enumerate(exported.orders)]
    charted = [(n, row) for n, row in enumerate(raised) if _is_charted(row)]
    return {
        "day": exported.day,
        "run_id": exported.run_id,
        "totals": _totals(exported),
        "exceptions": [_exception(number, row, facts, line_of) for number, row in enumerate(raised)],
        "severities": _counted((row["severity"] for row in raised), SEVERITIES),
        "states": _counted((row.get("state") or "" for row in raised if facts.compared_with), ("new", "open")),
        "codes": sorted(Counter(row["code"] for row in raised).items()),
        "gone": [(row["code"].replace("_", " "), row["subject"], row["message"]) for row in facts.gone],
        "compared_with": facts.compared_with,
        "charts": [_chart(n, row, exported.day, facts, window) for n, row in charted[:MOST_CHARTS]],
        "more_charts": len(charted[MOST_CHARTS:]),
        "orders": orders,
        "cancelled": exported.cancelled,
        "why": _why(why),
        "files": facts.files,
        "file_totals": _file_totals(facts),
        "outcomes": OUTCOMES,
        "stages": _stages(facts),
    }


def charted_skus(exceptions: Iterable[Mapping[str, Any]]) -> list[str]:
    """The SKUs that get a chart of their recent demand."""
    charted = sorted(filter(_is_charted, exceptions), key=_by_rank)[:MOST_CHARTS]
    return list(dict.fromkeys(row["sku"] for row in charted))


def _is_charted(row: Mapping[str, Any]) -> bool:
    return row["code"] in CHARTED and bool(row.get("sku"))


def _totals(exported: Exported) -> dict[str, Any]:
    orders = [order for order, *_ in exported.orders]
    costs: dict[str, list[Decimal]] = {}
    for order in orders:
        costs.setdefault(order.currency, []).append(order.cost)
    return {
        "orders": len(orders),
        "lines": sum(len(order.lines) for order in orders),
        "units": sum(order.order_qty for order in orders),
        "cost": [(currency, add_exactly(costs[currency])) for currency in sorted(costs)],
    }


def _by_rank(row: Mapping[str, Any]) -> tuple[Any, ...]:
    # a night that was planned before lines had ranks: severity first; the last two so that equal nights give equal pages
    days, cost = _at_risk(row)
    severity = SEVERITIES.index(row["severity"])
    return row.get("rank") or 0, severity, -Decimal(cost or _NOTHING), -int(days or 0), row["code"], row["subject"]


def _at_risk(row: Mapping[str, Any]) -> tuple[Any, Any]:
    # days and money; the short names are those of older nights
    return row.get("days_at_risk", row.get("days")), row.get("cost_at_risk", row.get("cost"))


def _counted(values: Iterable[str], order: Sequence[str]) -> list[tuple[str, int]]:
    counts = Counter(values)
    return [(name, counts[name]) for name in order if counts[name]]


def _exception(number: int, row: Mapping[str, Any], facts: Facts, line_of: Mapping[str, str]) -> tuple[Any, ...]:
    sku, nights = row.get("sku") or "", row.get("nights_open")
    # on the first planned date everything is new, which says nothing
    state = row.get("state") if facts.compared_with else None
    days, cost = _at_risk(row)
    return (
        number,
        row["code"],
        row["code"].replace("_", " "),
        row["severity"],
        row["subject"],
        line_of.get(sku),
        facts.decisions.get(sku, {}).get("product_name"),
        row["message"],
        row["action"],
        cost,
        "" if cost is None else f"{Decimal(cost):,} {row.get('currency') or ''}",
        days,
        "" if days is None else f"{int(days):,}",
        state or "",
        f"open for {nights:,} nights" if state == "open" and nights else state or "",
    )


def _order(
    number: int, order: Order, revision: int, file: str, facts: Facts, of_sku: Mapping[str, list[int]],
    raised: Sequence[Mapping[str, Any]], why: dict[str, list[Any]],
) -> dict[str, Any]:  # fmt: skip
    """One order; what explains its lines is added to `why`."""
    lines = []
    for line in order.lines:
        decision = facts.decisions.get(line.sku)
        numbers = of_sku.get(line.sku, [])
        id, severity = f"L{number}.{line.line_no}", raised[numbers[0]]["severity"] if numbers else ""
        bound_by, told = "", "Planned again since; why it is so is no longer stored."
        if decision is not None and _fits(decision, order, line.order_qty):
            bound_by, told = decision["bound_by"], sentence(decision)
            why[id] = [*map(_plain, map(decision.get, SHOWN)), numbers]
        lines.append(
            (
                id, line.sku, line.product_name, f"{line.order_qty:,}",
                f"{line.packs:,} × {line.pack_size:,}", f"{line.line_cost:,}", line.due_date, bound_by, told,
                len(numbers), severity,
            )
        )  # fmt: skip
    dues = sorted({line.due_date for line in order.lines})
    return {
        "id": f"O{number}",
        "number": order.order_number,
        "supplier_id": order.supplier_id,
        "supplier_name": order.supplier_name,
        "units": order.order_qty,
        "cost": order.cost,
        "currency": order.currency,
        "changed": f"revision {revision}" if revision > 1 else "",
        "href": quote(file),
        "file": file,
        "due": f"{dues[0]}" if len(dues) == 1 else f"{dues[0]} to {dues[-1]}",
        "lines": lines,
        "exceptions": sum(line[-2] for line in lines),
    }


def _fits(decision: Mapping[str, Any], order: Order, order_qty: int) -> bool:
    # where the date was planned again and not exported since, what is stored explains another order
    return bool(decision["order_qty"] == order_qty and decision["supplier_id"] == order.supplier_id)


def _why(rows: Mapping[str, list[Any]]) -> str:
    """What the script unfolds under a line: the decision's columns as they are stored, and its exceptions, as JSON."""
    steps = [(step.name, step.column) for step in STEPS]
    # within a script element nothing but `<` can end it; JSON may write it another way
    text = json.dumps({"columns": SHOWN, "steps": steps, "lines": rows}, ensure_ascii=False, separators=(",", ":"))
    return text.replace("<", "\\u003c")


def _plain(value: Any) -> Any:
    # a browser's numbers are exact up to 2^53
    return value if value is None or (isinstance(value, int) and abs(value) < 1 << 53) else str(value)


def _chart(number: int, row: Mapping[str, Any], day: date, facts: Facts, window: int) -> dict[str, Any]:
    units = facts.history.get(row["sku"], {})
    return {
        "id": f"X{number}",
        "row": row,
        "name": facts.decisions.get(row["sku"], {}).get("product_name"),
        "bars": bars(facts.days, units, day, window),
        "words": in_words(facts.days, units, day),
    }


def _file_totals(facts: Facts) -> list[dict[str, Any]]:
    totals = []
    for kind in dict.fromkeys(file.kind for file in sorted(facts.files, key=lambda file: file.kind)):
        of_kind = [file for file in facts.files if file.kind == kind]
        totals.append(
            {
                "kind": kind,
                "files": len(of_kind),
                "read": sum(file.read for file in of_kind),
                "outcomes": [sum(file.outcomes[n] for file in of_kind) for n in range(len(OUTCOMES))],
                "wrong": sum(not file.is_whole for file in of_kind),
            }
        )
    return totals


def _stages(facts: Facts) -> list[dict[str, Any]]:
    longest = max([e.seconds or 0 for e in facts.executions], default=0) or 1
    return [
        {
            "name": e.stage,
            "run_id": e.run_id,
            "started": f"{e.started:%Y-%m-%d %H:%M:%S}",
            "seconds": None if e.seconds is None else f"{e.seconds:.1f}",
            "width": int(100 * (e.seconds or 0) / longest),
            "rows": [(name.replace("_", " "), count) for name, count in e.rows.items()],
        }
        for e in facts.executions
    ]
