"""`./submit.sh generate`, `retailer` and `init_master_data`: input for the night, made up, real, or to read."""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path
from typing import Any

from common.dates import date_range


def add_commands(commands: Any) -> None:
    """Adds generate and retailer."""
    retailer = commands.add_parser("retailer", help="write real days of a grocery retailer into the inbox")
    retailer.add_argument("dates", metavar="DATE", help="business date YYYY-MM-DD of 2017, or FROM..TO")
    _common(retailer)
    retailer.set_defaults(handler=_retailer)
    made_up = commands.add_parser("generate", help="write a made-up business date into the inbox, with faults if wanted")
    made_up.add_argument("dates", metavar="DATE", help="business date YYYY-MM-DD, or FROM..TO")
    made_up.add_argument("--stores", type=int, default=20, metavar="N")
    made_up.add_argument("--orders", type=int, default=2000, metavar="N", help="orders of a date, 5 lines each on average (2000)")
    made_up.add_argument("--skus", type=int, default=500, metavar="N")
    made_up.add_argument("--warehouses", type=int, default=3, metavar="N")
    made_up.add_argument("--dirty", type=float, default=0.0, metavar="PERCENT", help="share of orders, stock rows and receipts")
    made_up.add_argument("--seed", type=int, default=1, metavar="S", help="another seed, another day")
    made_up.add_argument("--receipts", action="store_true", help="goods received, too, of the orders exported for earlier dates")
    made_up.add_argument("--format", default="mixed", choices=("json", "csv", "mixed"), help="mixed: every fourth store in CSV")
    _common(made_up)
    made_up.set_defaults(handler=_generate)
    small = commands.add_parser("init_master_data", help="load the small readable set of sql/init_master_data.sql")
    small.set_defaults(handler=_init_master_data)


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


def _generate(args: argparse.Namespace) -> int:
    from common.cli import settings_of
    from common.inbox.generate import Generator, Plan
    from common.inbox.generate_master import master_files
    from common.inbox.master import load_master
    from common.night import ready

    settings = settings_of(args)
    shape = {k: getattr(args, k) for k in ("stores", "orders", "skus", "warehouses", "dirty", "seed", "format", "receipts")}
    plans = [Plan(day=day, **shape) for day in date_range(args.dates)]
    for plan in plans:
        plan.check()
    counts: dict[str, int] = {}
    for plan in [] if args.master_only else plans:
        sent = Generator(settings, plan).send(replace=args.replace)
        for kind, what in (("orders", "order_lines"), ("stock", "stock_rows"), ("receipts", "receipts")):
            if kind not in sent:
                continue
            for outcome in ("read", "accepted", "rejected", "set_aside", "duplicates"):
                name = f"{what}_{outcome}"
                counts[name] = counts.get(name, 0) + sent[kind].get(outcome, 0)
        print(f"{plan.day}: {sent['orders']['read']:,} order lines, {sent['stock']['read']:,} stock rows", file=sys.stderr)
    if not args.no_master:
        with tempfile.TemporaryDirectory() as folder:
            files = master_files(plans[0], Path(folder))
            changed = load_master(ready(settings).postgres, files, replace=args.replace_master)
        counts |= {f"{table}_changed": n for table, n in changed.items()}
    return _print(args, {"inbox": str(settings.path("paths.inbox")), **counts})


def _init_master_data(_args: argparse.Namespace) -> int:
    from common.migrate import init_master_data
    from common.night import ready
    from common.settings import load_settings

    init_master_data(ready(load_settings()).postgres)
    print("loaded sql/init_master_data.sql; rows that were there stayed as they were")
    return 0


def _print(args: argparse.Namespace, result: dict[str, Any]) -> int:
    from common.cli import print_result

    lines = (f"{what.replace('_', ' '):<28} {n:>12,}" if isinstance(n, int) else f"{what:<28} {n}" for what, n in result.items())
    print_result(args, result, "\n".join(lines))
    return 0
