"""`./submit.sh adhoc <query> <date> [name=value]`: the queries of sql/adhoc/, run as a user who may only read.

A query says in its header what it is for and which parameters it takes; one with `=` has that default.
"""

from __future__ import annotations

import argparse
import re
import sys
from datetime import date
from pathlib import Path
from string import Template
from typing import Any

from common.clients.trino import Trino
from common.dates import business_date
from common.errors import Usage
from common.settings import ROOT, load_settings
from common.terminal import terminal

FOLDER = ROOT / "sql" / "adhoc"
READER = "adhoc"
_MOST_CHARACTERS = 100


def queries() -> dict[str, Path]:
    """Every query by name."""
    return {file.stem: file for file in sorted(FOLDER.glob("*.sql"))}


def header(file: Path) -> dict[str, str]:
    """The header of a query: Purpose, Grain, Reads, Parameters, Usage."""
    found = re.findall(r"^-- ([A-Z]\w+) {2,}(.+)$", file.read_text(encoding="utf-8"), re.M)
    return dict(found)


def parameters(file: Path) -> dict[str, str | None]:
    """The parameters of a query with their defaults; None is one that must be given."""
    named = (text.strip().partition("=") for text in header(file)["Parameters"].split(","))
    return {name: value if equals else None for name, equals, value in named}


def render(name: str, day: date, given: dict[str, str] | None = None) -> str:
    """The text of a query with its parameters filled in; Usage when one is unknown, missing or no text of one line."""
    file = queries().get(name)
    if file is None:
        raise Usage(f"there is no query {name!r}", next="./submit.sh adhoc --list")
    values: dict[str, str | None] = {**parameters(file), "business_date": day.isoformat()}
    for key, value in (given or {}).items():
        if key not in values:
            raise Usage(f"{name} takes no {key}", next=header(file)["Usage"])
        if (values[key] or "").isdecimal() and not (value.isascii() and value.isdecimal()):
            raise Usage(f"{key} is a whole number", next=header(file)["Usage"])
        if not (value.isprintable() and 0 < len(value) <= _MOST_CHARACTERS):
            raise Usage(f"{key} is a text of 1 to {_MOST_CHARACTERS} characters that can be seen", next=header(file)["Usage"])
        values[key] = value.replace("'", "''")  # a text stands in quotes
    if missing := [key for key, value in values.items() if value is None]:
        raise Usage(f"{name} needs {missing[0]}=...", next=header(file)["Usage"])
    return Template(file.read_text(encoding="utf-8")).substitute(values)


def drift(trino: Trino, day: date) -> dict[str, int]:
    """How many rows of each table of master data are no longer what the date's snapshot says; tables without are left out."""
    counts: dict[str, int] = {}
    for table, *_ in trino.rows(render("master_drift", day)):
        counts[table] = counts.get(table, 0) + 1
    return counts


def add_commands(commands: Any) -> None:
    """Adds adhoc."""
    parser = commands.add_parser("adhoc", help="run a query of sql/adhoc/")
    parser.add_argument("query", nargs="?", help="name of the query; without it they are listed")
    parser.add_argument("date", nargs="?", metavar="DATE", help="business date YYYY-MM-DD")
    parser.add_argument("values", nargs="*", metavar="NAME=VALUE", help="parameters of the query")
    parser.add_argument("--list", action="store_true", help="list the queries")
    parser.add_argument("--json", action="store_true", help="print rows as JSON")
    parser.set_defaults(handler=_adhoc)


def _adhoc(args: argparse.Namespace) -> int:
    from common.cli import print_result
    from common.night import ready

    if args.list or not args.query:
        listed = {name: header(file) for name, file in queries().items()}
        print_result(args, listed, "\n".join(f"{name:<20} {of['Purpose']}" for name, of in listed.items()))
        return 0
    if not args.date:
        raise Usage("a business date is missing", next=f"./submit.sh adhoc {args.query} 2017-12-23")
    given = dict(text.partition("=")[::2] for text in args.values)
    text = render(args.query, business_date(args.date), given)
    settings = load_settings()
    ready(settings)
    trino = Trino(settings.service("TRINO_URL"), READER, retry_seconds=settings["services.retry_seconds"])
    names, rows = trino.table(text)
    print_result(args, [dict(zip(names, row, strict=True)) for row in rows], _aligned(names, rows))
    return 0


def _aligned(names: list[str], rows: list[tuple[Any, ...]]) -> str:
    """The rows as text, column under column."""
    show = terminal(sys.stdout).text  # a raw line may hold what a terminal would obey
    texts = [names, *(["" if value is None else show(value) for value in row] for row in rows)]
    widths = [max(len(line[n]) for line in texts) for n in range(len(names))]
    return "\n".join("  ".join(f"{t:<{w}}" for t, w in zip(line, widths, strict=True)).rstrip() for line in texts)
