"""`./submit.sh explain <date> <sku>` or `--supplier ID`: why a SKU was ordered or not, or a whole order, on one screen."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING, Any

from common.dates import business_date
from common.errors import BadData, Usage
from common.settings import load_settings

if TYPE_CHECKING:  # `--help` must not wait for them
    from common.explain.lineage import Lineage
    from common.publish.run import Clients
    from common.terminal import Terminal

_LINES_OF_SKU, _LINES_OF_SUPPLIER = 5, 20


def add_commands(commands: Any) -> None:
    """Adds explain."""
    parser = commands.add_parser("explain", help="why a SKU was ordered or not, and where each number comes from")
    parser.add_argument("date", metavar="DATE", help="business date YYYY-MM-DD")
    parser.add_argument("sku", metavar="SKU", nargs="*", help="the SKU; words of a name list the products that have them")
    parser.add_argument("--supplier", metavar="ID", help="explain the order to this supplier instead of a SKU")
    parser.add_argument("--run", type=_whole, metavar="RUN", help="explain what this earlier run decided")
    parser.add_argument("--lines", type=_whole, metavar="N", help="lines to show; default: 5 of a SKU, 20 of a supplier")
    parser.add_argument("--json", action="store_true", help="print as JSON")
    parser.set_defaults(handler=_explain)


def _whole(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) < 10):
        raise Usage(f"{text!r} is not a whole number", next="./submit.sh explain --help")
    return int(text)


def _explain(args: argparse.Namespace) -> int:
    day = business_date(args.date)
    subject = args.supplier if args.supplier is not None else " ".join(args.sku).strip()
    if not subject or not subject.isprintable() or len(subject) > 200 or (args.supplier is not None and args.sku):
        raise Usage("give one SKU, or one supplier", next=f"./submit.sh explain {day} 1029743, or --supplier S0042")

    from common.cli import print_result
    from common.explain.lineage import lineage
    from common.lake import ensure_up
    from common.publish.run import Clients
    from common.terminal import terminal

    settings = load_settings()
    ensure_up(settings)
    clients = Clients(settings)
    read = lineage(clients, day, args.run)
    explain = _of_sku if args.supplier is None else _of_supplier
    found, text = explain(clients, read, subject, args.lines, terminal(sys.stdout))
    print_result(args, found, text)
    if not found["checks"]["agrees"]:
        raise BadData(
            f"what is stored of {subject} on {day} is not what its own rows come to",
            where=found["checks"]["differences"][0],
            next=f"./submit.sh purchase_orders {day} --force, and tell us if it stays so",
        )
    return 0


def _of_sku(clients: Clients, read: Lineage, sku: str, shown: int | None, terminal: Terminal) -> tuple[dict[str, Any], str]:
    from common.explain.explanation import explanation
    from common.explain.facts import facts_of
    from common.explain.minimum import minimum_of
    from common.explain.screen import screen
    from common.explain.sent import sent_line

    facts = facts_of(clients, read, sku)
    sent = sent_line(clients.settings, read.day, facts.line, facts.decision)
    minimum = minimum_of(clients, read, facts)
    found = explanation(facts, read, _LINES_OF_SKU if shown is None else shown, sent, minimum)
    return found, screen(found, terminal)


def _of_supplier(
    clients: Clients, read: Lineage, supplier_id: str, shown: int | None, terminal: Terminal
) -> tuple[dict[str, Any], str]:
    from common.explain.order import order_explanation
    from common.explain.order_screen import order_screen

    found = order_explanation(clients, read, supplier_id, _LINES_OF_SUPPLIER if shown is None else shown)
    return found, order_screen(found, terminal)
