"""`./submit.sh worklist <date>`: what a planner works through, what costs most first; what is new, and what is gone.

It reads what the night has stored. `gone` is what stood on the last planned date before and does not stand any more: that
date is the one which the published run had pinned, not whatever is the latest now.
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from common.adhoc import READER
from common.clients.trino import Trino, text_literal
from common.contracts import contract
from common.dates import business_date
from common.errors import NoInput, Usage
from common.exceptions.codes import SEVERITIES, exception_codes
from common.settings import load_settings
from common.terminal import terminal

if TYPE_CHECKING:
    from common.publish.run import Clients

TABLE = "planning.exceptions"
LIMIT = 40


@dataclass(frozen=True)
class LastNight:
    """The date that the published exceptions were compared with.

    day          None: there was no planned date before within the window
    is_replaced  its exceptions have been published again since; `status` calls the later date stale
    """

    day: date | None
    is_replaced: bool = False


def add_commands(commands: Any) -> None:
    """Adds worklist."""
    parser = commands.add_parser("worklist", help="a date's exceptions, what costs most first; what is new, what is gone")
    parser.add_argument("date", metavar="DATE", help="business date YYYY-MM-DD")
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--new", action="store_true", help="only what did not stand on the planned date before")
    which.add_argument("--open", action="store_true", help="only what stood there already")
    which.add_argument("--gone", action="store_true", help="what stood there and does not stand any more")
    parser.add_argument("--code", action="append", default=[], help="only this code; may be given several times")
    parser.add_argument("--severity", choices=SEVERITIES, help="only this severity")
    parser.add_argument("--sku", help="only this SKU")
    parser.add_argument("--supplier", help="only this supplier")
    parser.add_argument("--limit", type=int, default=LIMIT, help=f"so many lines at most, 0: all (default {LIMIT})")
    parser.add_argument("--json", action="store_true", help="print as JSON, every column, all lines")
    parser.set_defaults(handler=_worklist)


def _worklist(args: argparse.Namespace) -> int:
    from common.night import ready

    day = business_date(args.date)
    condition = _condition(args)
    settings = load_settings()
    clients = ready(settings)
    last = last_night(clients, day)
    trino = Trino(settings.service("TRINO_URL"), READER, retry_seconds=settings["services.retry_seconds"])
    counts = tally(trino, day, last)
    limit = None if args.json or not args.limit else args.limit
    rows = gone(trino, day, last, condition, limit) if args.gone else standing(trino, day, condition, limit)
    if args.json:
        print(json.dumps({"business_date": str(day), **counts, "exceptions": rows}, indent=1, default=str))
    else:
        show = terminal(sys.stdout).text
        print("\n".join([_heading(day, counts, last), *(show(_line(row)) for row in rows), *_foot(args, day, len(rows), limit)]))
    return 0


def last_night(clients: Clients, day: date) -> LastNight:
    """The date that the published exceptions of `day` were compared with; NoInput when none are published."""
    published = clients.metastore.partition(TABLE, day)
    if published is None:
        raise NoInput(f"{TABLE} of {day} is not published", where=f"hive.{TABLE}", next=f"./submit.sh all {day}")
    found = clients.postgres.rows(
        "select s.inputs from ops.stages s join ops.runs r using (run_id) where r.business_date = %s and s.stage = 'exceptions'"
        " and s.status = 'succeeded' and s.tables ->> %s = %s order by s.run_id desc limit 1",
        (day, TABLE, published.location),
    )
    for pinned in found[0][0] if found else []:
        table, _, on = pinned["name"].rpartition("/")
        if table == TABLE:
            before = date.fromisoformat(on)
            now = clients.metastore.partition(TABLE, before)
            return LastNight(before, now is None or now.location != pinned["location"])
    return LastNight(None)


def tally(trino: Trino, day: date, last: LastNight) -> dict[str, Any]:
    """How many lines stand, are new, are open, are gone; what is at risk by currency."""
    rows = trino.rows(
        f"select currency, count(*), count_if(state = 'new'), coalesce(sum(cost_at_risk), 0) from hive.{TABLE}"
        f" where business_date = date '{day}' group by currency order by currency"
    )
    lines, new = sum(row[1] for row in rows), sum(row[2] for row in rows)
    missing = trino.one(f"select count(*) from ({_gone(day, last)})") if last.day else 0
    return {
        "compared_with": str(last.day) if last.day else None,
        "standing": lines,
        "new": new,
        "open": lines - new,
        "gone": missing,
        "cost_at_risk": {currency: format(cost, "f") for currency, _, _, cost in rows if currency},
    }


def standing(trino: Trino, day: date, condition: str = "true", limit: int | None = None) -> list[dict[str, Any]]:
    """The exceptions of a date, by rank: every column of the contract."""
    return _rows(trino, f"hive.{TABLE} where business_date = date '{day}' and {condition}", limit)


def gone(
    trino: Trino, day: date, last: LastNight, condition: str = "true", limit: int | None = None
) -> list[dict[str, Any]]:
    """What stood on the date before and does not stand on `day`, as it was there, by its rank there; `state` is gone."""
    if last.day is None:
        return []
    return [row | {"state": "gone"} for row in _rows(trino, f"({_gone(day, last)}) where {condition}", limit)]


def _gone(day: date, last: LastNight) -> str:
    return (
        f"select last.* from hive.{TABLE} as last left join hive.{TABLE} as now on now.business_date = date '{day}'"
        f" and now.code = last.code and now.subject = last.subject"
        f" where last.business_date = date '{last.day}' and now.code is null"
    )


def _rows(trino: Trino, relation: str, limit: int | None) -> list[dict[str, Any]]:
    columns = [column.name for column in contract(TABLE).columns]
    text = f"select {', '.join(columns)} from {relation} order by rank" + (f" limit {limit:d}" if limit else "")
    return [dict(zip(columns, row, strict=True)) for row in trino.rows(text)]


def _condition(args: argparse.Namespace) -> str:
    known = [code.code for code in exception_codes()]
    if wrong := [code for code in args.code if code not in known]:
        raise Usage(f"there is no exception {wrong[0]!r}", where="sql/planning/exceptions/codes.yml", next=", ".join(known))
    if args.limit < 0:
        raise Usage("--limit is 0 or more")
    wanted = []
    if args.code:
        wanted.append(f"code in ({', '.join(map(text_literal, args.code))})")
    if args.new or args.open:
        wanted.append(f"state = '{'new' if args.new else 'open'}'")
    wanted += [
        f"{column} = {text_literal(value)}"
        for column, value in (("severity", args.severity), ("sku", args.sku), ("supplier_id", args.supplier))
        if value is not None
    ]
    return " and ".join(wanted) or "true"


def _heading(day: date, counts: dict[str, Any], last: LastNight) -> str:
    money = ", ".join(f"{Decimal(cost):,} {currency}" for currency, cost in counts["cost_at_risk"].items()) or "no money"
    lines = f"{day}: {counts['standing']:,} exceptions, {money} at risk; "
    if last.day is None:
        return lines + "no planned date before to compare with"
    lines += f"since {last.day}: {counts['new']:,} new, {counts['open']:,} still open, {counts['gone']:,} gone"
    note = f"\n(the exceptions of {last.day} have been published again since; ./submit.sh exceptions {day} compares anew)"
    return lines + (note if last.is_replaced else "")


def _line(row: dict[str, Any]) -> str:
    cost = "" if row["cost_at_risk"] is None else f"{Decimal(row['cost_at_risk']):,} {row['currency']}"
    days = "" if row["days_at_risk"] is None else f"{row['days_at_risk']} d"
    state = f"open {row['nights_open']} nights" if row["state"] == "open" else row["state"]
    return (
        f"{row['rank'] or '':>5}  {state:<15} {row['severity']:<7}  {row['code']:<24} {cost:>16} {days:>7}"
        f"  {row['subject']}: {row['message']}"
    )


def _foot(args: argparse.Namespace, day: date, shown: int, limit: int | None) -> list[str]:
    if shown == limit:
        return [f"the first {limit}; --limit 0 shows all"]
    return [] if shown else [f"nothing {'is gone' if args.gone else 'stands'} that fits"]
