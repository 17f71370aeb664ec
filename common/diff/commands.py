"""`./submit.sh diff`: what differs between two plans of a date, or of two dates, and which input made it."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from datetime import date
from typing import Any

from common.dates import business_date
from common.diff.compare import Comparison
from common.diff.parts import attribute
from common.diff.pins import Pins, pins, require
from common.diff.report import as_json, as_text
from common.diff.runs import MadePlan, code_note, last_two, lines_of, made_plan, needed, run_number, side_of, stored_lines
from common.errors import Usage
from common.plan_world import input_tables
from common.publish.run import Clients
from common.settings import load_settings
from common.terminal import terminal


def add_commands(commands: Any) -> None:
    """Adds diff."""
    parser = commands.add_parser(
        "diff",
        help="what differs between two plans, and which input made it",
        description="Two runs of a date (the last two where none is named), or the plans of two dates: the order lines that"
        " came, went or changed, and the part of each input: code, settings, calendar, master data, prices, stock, open"
        " orders, demand. Only reads.",
    )
    parser.add_argument("date", metavar="DATE", help="business date YYYY-MM-DD")
    parser.add_argument("others", nargs="*", metavar="RUN|DATE", help="two runs of that date, the old one first; or another date")
    parser.add_argument("--json", action="store_true", help="print everything as JSON")
    parser.add_argument("--quiet", action="store_true", help="no progress")
    parser.set_defaults(handler=_diff)


def _diff(args: argparse.Namespace) -> int:
    from common.cli import print_result
    from common.night import ready

    chosen = _chosen(args)
    clients = ready(load_settings())
    old, new = chosen(clients)
    say = (lambda text: None) if args.quiet else (lambda text: print(text, file=sys.stderr, flush=True))
    try:
        with pins(clients) as pinned:
            found = compare(clients, pinned, old, new, say)
    except BaseException:
        clients.trino.cancel()
        raise
    print_result(args, as_json(found) if args.json else None, "" if args.json else as_text(found, terminal(sys.stdout)))
    return 0


def _chosen(args: argparse.Namespace) -> Callable[[Clients], tuple[MadePlan, MadePlan]]:
    """The two plans that the command line names; it is checked before any service is touched."""
    day = business_date(args.date)
    if not args.others:
        return lambda clients: _of_runs(clients, day, *last_two(clients, day))
    if len(args.others) == 1:
        other = business_date(args.others[0])
        return lambda clients: (made_plan(clients, day), made_plan(clients, other))
    if len(args.others) == 2:
        first, second = (run_number(text) for text in args.others)
        return lambda clients: _of_runs(clients, day, first, second)
    raise Usage("diff takes a date and another one, or a date and two of its runs", next="./submit.sh diff --help")


def _of_runs(clients: Clients, day: date, first: int, second: int) -> tuple[MadePlan, MadePlan]:
    return made_plan(clients, day, first), made_plan(clients, day, second)


def compare(clients: Clients, pinned: Pins, old: MadePlan, new: MadePlan, say: Callable[[str], None]) -> Comparison:
    """Two plans that were made, with the part of each input. NoInput where a directory of theirs was removed."""
    for plan in (old, new):
        require(clients, needed(plan), plan.name)
    stored = stored_lines(clients, pinned, old), stored_lines(clients, pinned, new)
    sides = side_of(clients, pinned, old), side_of(clients, pinned, new)

    def make(world: Any) -> Any:
        say("  planning again with one more input of the new one")
        return lines_of(clients, world)

    parts = attribute(*sides, stored, [*input_tables()], make)
    return Comparison((str(old.day), str(new.day)), (old.name, new.name), *stored, parts, _notes(old, new))


def _notes(old: MadePlan, new: MadePlan) -> list[str]:
    notes = code_note(old)
    if not (old.settings and new.settings):
        without = " and ".join(plan.name for plan in (old, new) if not plan.settings)
        notes.append(f"the ledger has no settings of {without}: today's are taken, and what they change stands with `code`")
    return notes
