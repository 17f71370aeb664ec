"""The page as bytes: one HTML file with its style and script in it, and nothing that a browser would fetch.

Jinja2 escapes every value. Should a name ever slip through, the page's own policy lets no script run but ours.
"""

from __future__ import annotations

import base64
import hashlib
from functools import cache
from typing import Any

import jinja2
import markupsafe

from common.publish.export import REPORT
from common.report.facts import Facts
from common.report.view import Exported, page


def report(exported: Exported, facts: Facts, window: int, home: str | None) -> bytes:
    """`report.html` of a night. home: how it leads to the folder of the index; None where it lies away from it and its files."""
    return _render(REPORT, page(exported, facts, window) | {"home": home})


def index(nights: list[dict[str, Any]]) -> bytes:
    """`index.html`: the nights, newest first."""
    return _render("index.html", {"nights": nights})


def _render(name: str, values: dict[str, Any]) -> bytes:
    made = _environment().get_template(name).render(values)
    return made.encode()


@cache
def _environment() -> jinja2.Environment:
    loader = jinja2.PackageLoader("common.report", "page")
    made = jinja2.Environment(
        loader=loader, autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True,
        keep_trailing_newline=True,
    )  # fmt: skip
    made.filters["number"] = lambda value: f"{value:,}"
    for kind, file in (("style", "style.css"), ("script", "report.js")):
        text = loader.get_source(made, file)[0]
        made.globals[kind] = markupsafe.Markup(text)  # ours, not anybody's data
        made.globals[f"{kind}_hash"] = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
    return made
