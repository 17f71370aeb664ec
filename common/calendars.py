"""`./submit.sh calendar`: fills procurement.calendar_days with a country's public holidays and weekends, and shows them.

The night never asks this: it reads the tables alone, as they were snapshotted with its date. What it loads are days that
are not as usual; a day that somebody has entered already is theirs and stays, unless --replace is given.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

from common.dates import business_date, date_range
from common.errors import Usage
from common.extra_packages import extra
from common.settings import ROOT
from common.terminal import terminal

if TYPE_CHECKING:
    from common.clients.postgres import Postgres

REQUIREMENTS = ROOT / "conf" / "calendar" / "requirements.txt"
RECEIVER = ("receiver", "network")
_MOST_DAYS = 3700  # ten years: nobody's holidays are known for longer


@dataclass(frozen=True)
class Day:
    """A day that is not as usual. `is_order_day`: whether an order may be placed on it; None is as usual."""

    day: date
    is_order_day: bool | None
    reason: str


def add_commands(commands: Any) -> None:
    """Adds calendar load and calendar show."""
    top = commands.add_parser("calendar", help="holidays and weekends of suppliers and of ourselves, as master data")
    actions = top.add_subparsers(dest="action", metavar="ACTION", required=True, parser_class=type(top))
    load = actions.add_parser("load", help="add a country's public holidays (package `holidays`), and its weekends if wanted")
    load.add_argument("--country", required=True, metavar="CC", help="ISO 3166 code, such as US")
    load.add_argument("--subdivision", metavar="SS", help="state or province, such as NY: its own holidays, too")
    load.add_argument("--weekends", action="store_true", help="the country's weekends, too: no working days, ordering as usual")
    load.add_argument("--replace", action="store_true", help="remove first what the tables hold of these days and parties")
    _common(load)
    load.set_defaults(handler=_load)
    show = actions.add_parser("show", help="print the days that are not as usual")
    _common(show)
    show.set_defaults(handler=_show)


def _common(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--supplier", action="append", default=[], metavar="ID", help="whose days; may be repeated; without it: our own"
    )
    parser.add_argument("--from", dest="first", required=True, metavar="DATE", help="first day, YYYY-MM-DD")
    parser.add_argument("--to", dest="last", required=True, metavar="DATE", help="last day")
    parser.add_argument("--json", action="store_true", help="print the result as JSON")


def days_of(country: str, subdivision: str | None, first: date, last: date, *, weekends: bool, orders: bool) -> list[Day]:
    """The holidays (and weekends) of a country from `first` to `last`, in order; Usage where it or its part is unknown.

    orders  whether these are days of somebody who takes orders: on a holiday none can be placed
    """
    holidays = extra("holidays", REQUIREMENTS, next="./submit.sh calendar load again, or insert the rows by SQL")
    try:
        found = holidays.country_holidays(country, subdiv=subdivision, years=range(first.year, last.year + 1))
    except NotImplementedError:
        known = sorted(holidays.list_supported_countries())
        near = get_close_matches(country.upper(), known, 3) or known[:3]
        what = f"{subdivision!r} is no part of {country}" if country in known else f"there is no country {country!r}"
        parts = ", ".join(holidays.list_supported_countries().get(country, [])[:12]) or f"such as {', '.join(near)}"
        raise Usage(f"calendar load: {what}", next=f"give a code of ISO 3166: {parts}") from None
    result = []
    for number in range((last - first).days + 1):
        day = first + timedelta(days=number)
        if name := found.get(day):
            result.append(Day(day, False if orders else None, str(name)))
        elif weekends and day.weekday() in found.weekend:
            result.append(Day(day, None, "weekend"))
    return result


def store(postgres: Postgres, parties: Iterable[tuple[str, str]], days: list[Day], *, replace: tuple[date, date] | None) -> int:
    """Adds the days to each party's calendar, in one transaction; how many rows were not there before.

    replace  first and last day of a stretch that is emptied before
    """
    added = 0
    with postgres.transaction(application="calendar load") as cursor:
        for kind, party in parties:
            if replace:
                cursor.execute(
                    "delete from procurement.calendar_days where party_kind = %s and party_id = %s and day between %s and %s",
                    (kind, party, *replace),
                )
            for day in days:
                cursor.execute(
                    "insert into procurement.calendar_days (party_kind, party_id, day, is_order_day, is_working_day, reason)"
                    " values (%s, %s, %s, %s, false, %s) on conflict do nothing",
                    (kind, party, day.day, day.is_order_day, day.reason),
                )
                added += cursor.rowcount
    return added


def _load(args: argparse.Namespace) -> int:
    from common.cli import print_result

    first, last = _stretch(args)
    country = args.country.upper()
    days = days_of(country, args.subdivision, first, last, weekends=args.weekends, orders=bool(args.supplier))
    postgres, parties = _parties(args)
    added = store(postgres, parties, days, replace=(first, last) if args.replace else None)
    result = {
        "parties": [party for _, party in parties],
        "days": len(days),
        "added": added,
        "kept": len(days) * len(parties) - added,
    }
    text = f"{len(days)} days of {country} from {first} to {last}: {added} rows added, {result['kept']} were there and stay"
    print_result(args, result, text)
    if added:
        print("a date that was snapshotted before does not know them: ./submit.sh all DATE --refresh-master", file=sys.stderr)
    return 0


def _show(args: argparse.Namespace) -> int:
    from common.cli import print_result

    first, last = _stretch(args)
    postgres, parties = _parties(args)
    rows = postgres.rows(
        "select party_kind, party_id, day, is_order_day, is_working_day, reason from procurement.calendar_days"
        " where (party_kind, party_id) in %s and day between %s and %s order by 1, 2, 3",
        (tuple(parties), first, last),
    )
    names = ("party_kind", "party_id", "day", "is_order_day", "is_working_day", "reason")
    words, shown = {True: "yes", False: "no", None: "as usual"}, terminal(sys.stdout).text
    lines = [
        f"{kind} {shown(party)}  {day:%a %Y-%m-%d}  order {words[order]:<8}  work {words[work]:<3}  {shown(why or '')}"
        for kind, party, day, order, work, why in rows
    ]
    print_result(args, [dict(zip(names, row, strict=True)) for row in rows], "\n".join(lines) or "every day is as usual")
    return 0


def _stretch(args: argparse.Namespace) -> tuple[date, date]:
    days = date_range(f"{business_date(args.first)}..{business_date(args.last)}")
    if len(days) > _MOST_DAYS:
        raise Usage(f"{len(days)} days are more than ten years", next="give a shorter stretch")
    return days[0], days[-1]


def _parties(args: argparse.Namespace) -> tuple[Postgres, list[tuple[str, str]]]:
    """PostgreSQL, and whose calendars are meant; Usage for a supplier that master data does not have."""
    from common.night import ready
    from common.settings import load_settings

    postgres = ready(load_settings()).postgres
    if not args.supplier:
        return postgres, [RECEIVER]
    known = [row[0] for row in postgres.rows("select supplier_id from procurement.suppliers")]
    for supplier in args.supplier:
        if supplier not in known:
            near = ", ".join(get_close_matches(supplier, known, 3)) or "./submit.sh adhoc orders_by_supplier DATE lists some"
            raise Usage(f"there is no supplier {supplier!r}", where="procurement.suppliers", next=near)
    return postgres, [("supplier", supplier) for supplier in dict.fromkeys(args.supplier)]
