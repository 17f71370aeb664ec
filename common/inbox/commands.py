"""`./submit.sh generate` and `./submit.sh retailer`: input for the night, made up or real."""

from __future__ import annotations

import argparse
import sys
from typing import Any

from common.dates import date_range


def add_commands(commands: Any) -> None:
    """Adds generate and retailer."""
    retailer = commands.add_parser("retailer", help="write real days of a grocery retailer into the inbox")
    retailer.add_argument("dates", metavar="DATE", help="business date YYYY-MM-DD of 2017, or FROM..TO")
    _common(retailer)
    retailer.set_defaults(handler=_retailer)


def _common(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--replace", action="store_true", help="empty the date's inbox folders first")
    master = parser.add_mutually_exclusive_group()
    master.add_argument("--no-master", action="store_true", help="raw files only; PostgreSQL is not touched")
    master.add_argument("--master-only", action="store_true", help="master data only; the inbox is not touched")
    parser.add_argument("--replace-master", action="store_true", help="remove all other master data first")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="override a setting")
    parser.add_argument("--json", action="store_true", help="print the result as JSON")


def _retailer(args: argparse.Namespace) -> int:
    from common.cli import settings_of
    from common.inbox.retailer import Retailer, load_retailer_master
    from common.night import ready

    settings, days = settings_of(args), date_range(args.dates)
    retailer = Retailer(settings)
    counts: dict[str, int] = {}
    for day in [] if args.master_only else days:
        sent = retailer.send_day(day, replace=args.replace)
        print(f"{day}: {sent['order_lines']:,} order lines, {sent['stock_rows']:,} stock rows", file=sys.stderr)
        counts = {what: counts.get(what, 0) + n for what, n in sent.items()}
    if not args.no_master:
        changed = load_retailer_master(retailer, ready(settings).postgres, replace=args.replace_master)
        counts |= {f"{table}_changed": n for table, n in changed.items()}
    return _print(args, {"inbox": str(settings.path("paths.inbox")), **counts})


def _print(args: argparse.Namespace, result: dict[str, Any]) -> int:
    from common.cli import print_result

    lines = (f"{what.replace('_', ' '):<28} {n:>12,}" if isinstance(n, int) else f"{what:<28} {n}" for what, n in result.items())
    print_result(args, result, "\n".join(lines))
    return 0
