"""`./submit.sh what-if`: what would be ordered if some inputs were others. Nothing is published, exported or recorded."""

from __future__ import annotations

import argparse
import hashlib
import sys
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any

from common.dates import business_date
from common.diff.compare import Comparison
from common.diff.lines import COLUMNS, Key, Line, plan_of
from common.diff.parts import attribute, mixed
from common.diff.pins import Pins, pins, require
from common.diff.report import as_json, as_text
from common.diff.runs import MadePlan, code_note, lines_of, made_plan, replaced_since, side_of, stored_lines
from common.errors import NoInput, Usage
from common.plan_world import MADE, World, input_tables
from common.publish.run import Clients
from common.settings import load_settings
from common.terminal import terminal
from common.what_if import store
from common.what_if.fields import FIELDS
from common.what_if.grammar import Change
from common.what_if.scenario import count_matches, parse_all, read_file, scenario_of


def add_commands(commands: Any) -> None:
    """Adds what-if."""
    fields = "\n".join(f"  {name:<16} {field.meaning}; where {', '.join(field.conditions)}" for name, field in FIELDS.items())
    parser = commands.add_parser(
        "what-if",
        help="what would be ordered if some inputs were others",
        description="Plans a date again over changed inputs and prints what differs from its published plan. Publishes nothing.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog=f"changes apply from left to right and round up; fields:\n{fields}\n  planning.*       a setting, such as"
        " planning.spike_factor=3\n\nexamples:\n  --set \"moq=24 where supplier_id=S42\"\n  --set 'safety_stock*1.2'\n"
        "  --set \"demand*1.3 where sku in (1029743, 1082185)\"",
    )
    parser.add_argument("date", nargs="?", metavar="DATE", help="business date YYYY-MM-DD")
    parser.add_argument("--set", action="append", default=[], metavar="CHANGE", help="a change; may be given several times")
    parser.add_argument("--file", metavar="YAML", help="a file with `set` (a list) and perhaps `name`; --set comes after")
    parser.add_argument("--name", metavar="NAME", help="keep the result under this name; one is made up where none is given")
    parser.add_argument("--list", action="store_true", help="what is kept")
    parser.add_argument("--remove", metavar="NAME", help="remove what is kept under a name")
    parser.add_argument("--json", action="store_true", help="print everything as JSON")
    parser.add_argument("--quiet", action="store_true", help="no progress")
    parser.set_defaults(handler=_what_if)


def _what_if(args: argparse.Namespace) -> int:
    from common.night import ready

    if args.list or args.remove:
        if args.date or args.set or args.file or args.name or (args.list and args.remove):
            raise Usage("--list and --remove stand alone", next="./submit.sh what-if --help")
        removed = store.checked_name(args.remove) if args.remove else ""
        clients = ready(load_settings())
        return _remove(clients, removed) if removed else _list(args, clients)
    if not args.date:
        raise Usage("a business date is missing", next="./submit.sh what-if 2017-12-23 --set 'safety_stock*1.2'")
    day = business_date(args.date)
    given, texts = _asked(args)
    changes = parse_all(texts)
    name = store.checked_name(given or _made_up(day, texts))
    settings = load_settings()
    settings.overridden([f"{c.name}={c.value}" for c in changes if c.is_setting])  # refused before a service is touched
    clients = ready(settings)
    try:
        with pins(clients) as pinned:
            result, kept = run(clients, pinned, day, name, changes, quiet=args.quiet)
    except BaseException:
        clients.trino.cancel()
        raise
    _print(args, result, kept)
    return 0


def run(
    clients: Clients, pinned: Pins, day: date, name: str, changes: Sequence[Change], *, quiet: bool = True
) -> tuple[Comparison, dict[str, Any]]:
    """Makes a what-if and keeps it; what differs from the plan of the date, and what is known of the result."""

    def say(text: str) -> None:
        if not quiet:
            print(text, file=sys.stderr, flush=True)

    plan = made_plan(clients, day)
    require(clients, plan.inputs, plan.name)
    base = side_of(clients, pinned, plan)
    scenario = scenario_of(day, base, changes, clients.settings)
    rows = count_matches(clients.trino, scenario)
    side = scenario.side(side_of(clients, pinned, plan, scenario.settings))
    tables = [*input_tables()]
    whole = mixed(side, side, (), tables)
    say(f"  planning {day} with {len(changes)} change{'s' if len(changes) > 1 else ''}")
    made = store.build(clients, pinned, name, whole, MADE)
    try:
        lines = plan_of(clients.trino.rows(f"select {', '.join(COLUMNS)} from {made.references['purchase_order_lines']}"))

        def make(world: World) -> dict[Key, Line]:
            if world == whole:
                return lines
            say("  planning again with one more of the changed inputs")
            return lines_of(clients, world)

        stored = stored_lines(clients, pinned, plan)
        parts = attribute(base, side, (stored, lines), tables, make)
        about = {"changes": [c.text for c in changes], "rows": rows, "of": plan.name}
        store.keep(clients, name, day, made, about)
    except BaseException:
        store.discard(clients, made)
        raise
    names = (plan.name, f"what-if {name}")
    notes = [*code_note(plan), *_stale_note(clients, plan)]
    return Comparison((str(day), str(day)), names, stored, lines, parts, notes), about | {"name": name}


def _stale_note(clients: Clients, plan: MadePlan) -> list[str]:
    stale = replaced_since(clients, plan)
    return [f"{', '.join(stale)} were published again since {plan.name}; this is about what it had read"] if stale else []


def _asked(args: argparse.Namespace) -> tuple[str | None, list[str]]:
    """Name and texts of the changes: those of the file, then those of the command line."""
    if not args.file:
        return args.name, args.set
    try:
        text = Path(args.file).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise NoInput(f"the file can't be read: {error}", where=args.file) from None
    name, texts = read_file(text, args.file)
    return args.name or name, [*texts, *args.set]


def _made_up(day: date, texts: Sequence[str]) -> str:
    """A name for one who gave none: the same changes of the same date have the same."""
    return f"of_{day:%Y%m%d}_{hashlib.sha256(chr(0).join(texts).encode()).hexdigest()[:6]}"


def _print(args: argparse.Namespace, result: Comparison, kept: dict[str, Any]) -> None:
    from common.cli import print_result

    name = kept["name"]
    tables = {model: f"hive.scratch.{store.table(name, model)}" for model in MADE}
    if args.json:
        print_result(args, as_json(result) | {"what_if": kept | {"tables": tables}}, "")
        return
    shown = terminal(sys.stdout)
    rows = [f"{shown.text(counted['change'])}: {counted['rows']:,} rows" for counted in kept["rows"]]
    ends = [f"kept in {', '.join(tables.values())}", f"./submit.sh what-if --remove {name}"]
    print("\n".join([*rows, "", as_text(result, shown), "", *ends]))


def _list(args: argparse.Namespace, clients: Clients) -> int:
    from common.cli import print_result

    kept = store.listed(clients)
    show = terminal(sys.stdout).text
    lines = [f"{k['name']}  {k['business_date']}  made {k['made_at']}: {show('; '.join(k['changes'])[:100])}" for k in kept]
    print_result(args, kept, "\n".join(lines) or "no what-if is kept")
    return 0


def _remove(clients: Clients, name: str) -> int:
    store.remove(clients, name, MADE)
    print(f"removed what-if {name}")
    return 0
