"""The data dictionary, `docs/data-dictionary.md`, made from the contracts; a test says when it was forgotten."""

from __future__ import annotations

import argparse
from typing import Any

from common.contracts import Contract, all_contracts
from common.exceptions.codes import exception_codes
from common.settings import ROOT

FILE = ROOT / "docs" / "data-dictionary.md"
_CATALOG = {"staging": "hive", "planning": "hive", "audit": "delta"}


def add_commands(commands: Any) -> None:
    """Adds dictionary."""
    parser = commands.add_parser("dictionary", help="print the data dictionary; --write puts it into docs/")
    parser.add_argument("--write", action="store_true", help=f"write {FILE.relative_to(ROOT)}")
    parser.set_defaults(handler=_dictionary)


def _dictionary(args: argparse.Namespace) -> int:
    if args.write:
        FILE.write_text(dictionary(), encoding="utf-8")
        print(FILE.relative_to(ROOT))
    else:
        print(dictionary(), end="")
    return 0


def dictionary() -> str:
    """The whole dictionary as Markdown."""
    head = [
        "# Data dictionary",
        "",
        "Made from the contracts (`sql/<schema>/<table>/contract.yml`) by `./submit.sh dictionary --write`.",
        "",
        "| table | grain | what a row is |",
        "|---|---|---|",
    ]
    head += [f"| [{_name(c)}](#{_anchor(c)}) | {', '.join(c.grain)} | {c.description} |" for c in all_contracts()]
    return "\n".join([*head, *(line for c in all_contracts() for line in _section(c)), *_exceptions()]) + "\n"


def _exceptions() -> list[str]:
    lines = ["", "## Exceptions", ""]
    lines += ["The closed list of `hive.planning.exceptions.code` (`sql/planning/exceptions/codes.yml`).", ""]
    heads = ("code", "severity", "raised when", "observed_qty", "expected_qty", "at_risk_qty", "what to do")
    lines += [f"| {' | '.join(heads)} |", f"|{'---|' * len(heads)}"]
    for code in exception_codes():
        cells = (f"`{code.code}`", code.severity, code.raised, code.observed, code.expected, code.at_risk, code.action)
        lines.append(f"| {' | '.join(cells)} |")
    return lines


def _name(contract: Contract) -> str:
    return f"{_CATALOG[contract.schema]}.{contract.name}"


def _anchor(contract: Contract) -> str:
    return _name(contract).replace(".", "")


def _section(contract: Contract) -> list[str]:
    lines = ["", f"## {_name(contract)}", "", contract.description, "", f"Written by {contract.owner.capitalize()}."]
    names = [c.name for c in contract.columns]
    if contract.partition not in names:
        lines[-1] += f" One partition a `{contract.partition}` (date)."
    if contract.raw:
        lines += ["", f"Raw files: `{contract.raw.path}`, {' or '.join(contract.raw.formats)}."]
        limits = ", ".join(f"{k.replace('_', ' ')} {v:,}" for k, v in contract.raw.limits.items())
        lines += [f"Limits: {limits}."] if limits else []
        if contract.raw.columns:
            lines += ["", "| name in raw files | holds |", "|---|---|"]
            lines += [f"| `{name}` | {holds} |" for name, holds in contract.raw.columns.items()]
    lines += ["", "| column | type | null | unit | meaning |", "|---|---|---|---|---|"]
    lines += [f"| `{c.name}` | {c.type} | {'yes' if c.nullable else ''} | {c.unit} | {c.description} |" for c in contract.columns]
    if contract.rules:
        lines += ["", "| rule | action | meaning |", "|---|---|---|"]
        lines += [f"| `{r.code}` | {r.action} | {r.meaning} |" for r in contract.rules]
    return lines
