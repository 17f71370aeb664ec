"""`./submit.sh explain <date> <sku>`: why a SKU was ordered or not, on one screen."""

from __future__ import annotations

import argparse
import sys
from typing import Any

from common.dates import business_date
from common.errors import BadData, Usage
from common.settings import load_settings

_SHOWN_LINES = 5


def add_commands(commands: Any) -> None:
    """Adds explain."""
    parser = commands.add_parser("explain", help="why a SKU was ordered or not, and where each number comes from")
    parser.add_argument("date", metavar="DATE", help="business date YYYY-MM-DD")
    parser.add_argument("sku", metavar="SKU", nargs="+", help="the SKU; words of a name list the products that have them")
    parser.add_argument("--run", type=int, metavar="RUN", help="explain what this earlier run decided")
    parser.add_argument("--lines", type=_whole, default=_SHOWN_LINES, metavar="N", help="order lines to show; default 5")
    parser.add_argument("--json", action="store_true", help="print as JSON")
    parser.set_defaults(handler=_explain)


def _whole(text: str) -> int:
    if not text.isdecimal():
        raise Usage(f"--lines takes a whole number, not {text!r}", next="./submit.sh explain --help")
    return int(text)


def _explain(args: argparse.Namespace) -> int:
    day = business_date(args.date)
    sku = " ".join(args.sku).strip()
    if not sku or not sku.isprintable() or len(sku) > 200:
        raise Usage(f"{sku!r} is no SKU", next=f"./submit.sh explain {day} 1029743")

    from common.cli import print_result
    from common.explain.explanation import explanation
    from common.explain.facts import facts_of
    from common.explain.lineage import lineage
    from common.explain.screen import screen
    from common.explain.terminal import terminal
    from common.lake import ensure_up
    from common.publish.run import Clients

    settings = load_settings()
    ensure_up(settings)
    clients = Clients(settings)
    read = lineage(clients, day, args.run)
    found = explanation(facts_of(clients, read, sku), read, args.lines)
    print_result(args, found, screen(found, terminal(sys.stdout)))
    if not found["checks"]["agrees"]:
        raise BadData(
            f"what is stored of {sku} on {day} is not what its own rows come to",
            where=found["checks"]["differences"][0],
            next=f"./submit.sh purchase_orders {day} --force, and tell us if it stays so",
        )
    return 0
