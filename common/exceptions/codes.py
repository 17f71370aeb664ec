"""The closed list of exceptions, `sql/planning/exceptions/codes.yml`, and the spike rule, `spike_rule.sql` beside it.

The models take severity, action and rule from here; the documents are made from the same files.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import yaml

from common.clients.trino import text_literal
from common.errors import Misconfigured
from common.settings import ROOT

SEVERITIES = ("error", "warning", "notice")
FOLDER = ROOT / "sql" / "planning" / "exceptions"


@dataclass(frozen=True)
class ExceptionCode:
    """One entry of the closed list.

    at_risk  which units at_risk_qty counts, and so what cost_at_risk and days_at_risk are of; empty: can't be said
    """

    code: str
    severity: str
    raised: str
    action: str
    observed: str = ""
    expected: str = ""
    at_risk: str = ""


@cache
def exception_codes() -> tuple[ExceptionCode, ...]:
    """The closed list, in the order of its file; a key that is not known is Misconfigured."""
    tree = yaml.safe_load((FOLDER / "codes.yml").read_text(encoding="utf-8"))
    try:
        codes = tuple(ExceptionCode(code=code, **entry) for code, entry in tree.items())
    except TypeError as error:
        raise Misconfigured(str(error).partition(" ")[2], where="sql/planning/exceptions/codes.yml") from None
    if wrong := [c.code for c in codes if c.severity not in SEVERITIES]:
        raise Misconfigured(f"{wrong[0]}: severity is one of {', '.join(SEVERITIES)}", where="sql/planning/exceptions/codes.yml")
    return codes


@cache
def expressions() -> dict[str, str]:
    """SQL expressions by the name of their placeholder: the spike rule, and a code's severity and action.

    A constant map costs Trino less to plan than a join with the list would.
    """
    text = (FOLDER / "spike_rule.sql").read_text(encoding="utf-8")
    found = re.findall(r"^-- expression: (\w+)\n(.+?);$", text, re.M | re.S)
    return {name: f"({sql})" for name, sql in found} | {
        "severity_of_code": _by_code(lambda code: code.severity),
        "action_of_code": _by_code(lambda code: code.action),
    }


def _by_code(value: Callable[[ExceptionCode], str]) -> str:
    codes = exception_codes()
    keys, values = (", ".join(map(text_literal, texts)) for texts in ([c.code for c in codes], map(value, codes)))
    return f"element_at(map(array[{keys}], array[{values}]), code)"
