"""An explanation as one screen of text."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable
from typing import Any

from common.explain import words
from common.explain.explanation import days_of
from common.explain.plot import plot
from common.terminal import Terminal

_MARGIN = 11


class Page:
    """Lines of a screen, in sections with a name in the margin; every text is made fit for the terminal."""

    def __init__(self, terminal: Terminal) -> None:
        self.terminal = terminal
        self.lines: list[str] = []

    def title(self, left: str, right: str) -> None:
        """The first line."""
        show = self.terminal.text
        room = self.terminal.width - len(right) - 2
        name = show(left) if len(left) <= room else show(left)[: room - 3] + "..."
        self.lines.append(self.terminal.styled(f"{name:<{room}}  {show(right)}", "bold"))

    def section(self, name: str | None, texts: Iterable[str | tuple[str, str]]) -> None:
        """Texts beside a name, wrapped; a text may come with a style. Without a name they have the whole width."""
        wide = 0 if name is None else _MARGIN
        room = self.terminal.width - wide
        margin = self.terminal.styled(f"{name or '':<{wide}}", "bold")
        for text, style in ((t, "") if isinstance(t, str) else t for t in texts):
            hang = " " * (len(text) - len(text.lstrip()) + 2)
            for line in textwrap.wrap(
                self.terminal.text(text), room, subsequent_indent=hang, drop_whitespace=True, break_on_hyphens=False
            ) or [""]:
                self.lines.append((margin + self.terminal.styled(line, style)).rstrip())
                margin = " " * wide

    def table(self, names: tuple[str, ...], rows: list[tuple[str, ...]], flexible: int) -> None:
        """Rows under their names, numbers at the right; the column `flexible` is cut to what room there is."""
        if not rows:
            return
        cells = [tuple(map(self.terminal.text, row)) for row in rows]
        widths = [max(map(len, column)) for column in zip(names, *cells, strict=True)]
        room = self.terminal.width - sum(widths) - 2 * (len(widths) - 1) + widths[flexible]
        widths[flexible] = max(4, min(widths[flexible], room))
        is_number = [all(row[n][:1].isdigit() for row in cells) and n != 0 for n in range(len(names))]
        for number, row in enumerate([names, *cells]):
            text = "  ".join(
                f"{cell[:width]:>{width}}" if right else f"{cell[:width]:<{width}}"
                for cell, width, right in zip(row, widths, is_number, strict=True)
            ).rstrip()
            self.lines.append(self.terminal.styled(text, "" if number else "bold"))

    def __str__(self) -> str:
        return "\n".join(self.lines)


def screen(found: dict[str, Any], terminal: Terminal) -> str:
    """The explanation of a SKU (see explanation.py) as one screen."""
    page = Page(terminal)
    product = found["product"]
    unit = f" (in units of {product['base_unit']})" if product["base_unit"] not in (None, "each") else ""
    page.title(f"{found['sku']}  {words.product_name(product['name'])}{unit}", f"{found['business_date']}")
    page.section(None, [found["sentence"]])
    page.lines.append("")
    page.section("need", words.need(found))
    page.section("on order", words.on_order(found))
    page.section("steps", words.steps(found))
    page.section("order", words.order(found))
    page.section("suppliers", words.suppliers(found))
    page.section("exceptions", words.exceptions(found))
    days = days_of(found)
    if any(days.values()):
        page.section("demand", [f"units a day from {min(days)} to {max(days)}, the date itself last"])
        bars = plot(days, is_unicode=terminal.is_unicode, width=terminal.width - _MARGIN)
        page.lines += [" " * _MARGIN + line for line in bars]
    page.section("" if any(days.values()) else "demand", [found["history"]["summary"]])
    page.section("from", words.sources(found))
    page.section("made by", words.provenance(found))
    page.section("checked", words.checked(found))
    page.section("note", [(note, "yellow") for note in found["notes"]])
    return str(page)
