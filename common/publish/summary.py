"""What a night came to, in the numbers a planner asks for first."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

from common.publish.run import Clients


def summary(clients: Clients, day: date) -> dict[str, Any]:
    """Lines by outcome, SKUs planned, order lines, suppliers, units, cost, exceptions by code, and where the files lie."""
    rows = clients.postgres.rows(
        "select distinct on (s.stage) s.stage, s.rows from ops.stages s join ops.runs r using (run_id)"
        " where r.business_date = %s and s.status = 'succeeded' order by s.stage, s.run_id desc",
        (day,),
    )
    staged = dict(rows)
    on = f"business_date = date '{day}'"
    planned, lines, suppliers, units = clients.trino.rows(
        f"select (select count(*) from hive.planning.order_decisions where {on} and outcome <> 'not_planned'), count(*),"
        f" count(distinct supplier_id), coalesce(sum(cast(order_qty as decimal(38, 0))), 0)"
        f" from hive.planning.purchase_order_lines where {on}"
    )[0]
    costs = clients.trino.rows(
        "select currency, cast(sum(line_cost) as varchar) from hive.planning.purchase_order_lines"
        f" where {on} group by currency order by currency"
    )
    # what costs most first; amounts of several currencies are compared by number, there is no rate to convert them
    codes = clients.trino.rows(
        "select code, count(*), count_if(state = 'new'), cast(coalesce(sum(cost_at_risk), 0) as varchar)"
        f" from hive.planning.exceptions where {on} group by code order by coalesce(sum(cost_at_risk), 0) desc, 2 desc, 1"
    )
    return {
        "business_date": str(day),
        "order_lines": staged.get("stage_orders", {}),
        "stock_rows": staged.get("stage_stock", {}),
        "skus_planned": planned,
        "purchase_order_lines": lines,
        "suppliers": suppliers,
        "units": int(units),
        "cost": dict(costs),
        "exceptions": {code: {"lines": n, "new": new, "cost_at_risk": risk} for code, n, new, risk in codes},
        "files": str(clients.settings.path("paths.output") / "supplier_orders" / str(day)),
    }


def summary_text(result: dict[str, Any]) -> str:
    """The summary as a short table, with the commands to type next."""
    day = result["business_date"]
    table: list[tuple[str, str]] = [("business date", day)]
    for label, key in (("order lines", "order_lines"), ("stock rows", "stock_rows")):
        table += [(f"{label} {outcome.replace('_', ' ')}", f"{count:,}") for outcome, count in result[key].items()]
    table += [
        ("SKUs planned", f"{result['skus_planned']:,}"),
        ("purchase order lines", f"{result['purchase_order_lines']:,}"),
        ("suppliers", f"{result['suppliers']:,}"),
        ("units ordered", f"{result['units']:,}"),
        *(("cost", f"{_thousands(cost)} {currency}") for currency, cost in result["cost"].items()),
        ("exceptions", f"{sum(entry['lines'] for entry in result['exceptions'].values()):,}"),
    ]
    width = max(len(value) for _, value in table)
    lines = [f"{name:<34}{value:>{width}}" for name, value in table]
    lines += [
        f"  {code:<32}{entry['lines']:>{width},}{entry['new']:>9,} new{_thousands(entry['cost_at_risk']):>16} at risk"
        for code, entry in result["exceptions"].items()
    ]
    return "\n".join(
        [
            *lines,
            "",
            f"order files: {result['files']}",
            "next:",
            f"  ./submit.sh worklist {day}   # the exceptions, what costs most first",
            f"  ./submit.sh status {day}",
            f"  ls {result['files']!r}    # report.html shows it all",
            '  eval "$(./submit.sh lake env)"   # then any program can read the lake',
        ]
    )


def _thousands(money: str) -> str:
    """An amount as people read it."""
    return f"{Decimal(money):,}"
