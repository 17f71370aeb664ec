"""What a terminal can show: its width, its characters, and whether it has colours."""

from __future__ import annotations

import locale
import os
import shutil
import sys
from dataclasses import dataclass
from typing import TextIO

_NARROW, _WIDE, _OTHERWISE = 60, 120, 80
_BLOCKS = " ▁▂▃▄▅▆▇█"
_COLOURS = {"bold": "1", "dim": "2", "red": "31", "yellow": "33"}


@dataclass(frozen=True)
class Terminal:
    """Where a screen is shown.

    width       columns, 60 to 120
    is_unicode  whether block characters can be shown; else plain ASCII
    is_coloured whether it takes colours
    """

    width: int = _OTHERWISE
    is_unicode: bool = True
    is_coloured: bool = False
    encoding: str = "utf-8"

    def text(self, value: object) -> str:
        """A value as it can be shown: control characters, which a terminal would obey, and what its letters lack as `?`."""
        return printable(str(value)).encode(self.encoding, "replace").decode(self.encoding)

    def styled(self, text: str, style: str) -> str:
        """The text in a colour, where there are colours."""
        return f"\x1b[{_COLOURS[style]}m{text}\x1b[0m" if self.is_coloured and style else text


def printable(text: str, *, keep: str = "") -> str:
    """The text with `?` for each control character, which a terminal would obey, but those to keep."""
    return "".join(letter if letter.isprintable() or letter in keep else "?" for letter in text)


def terminal(stream: TextIO = sys.stdout) -> Terminal:
    """The terminal that stdout is; a file or a pipe is 80 columns wide (or COLUMNS) and has no colours."""
    is_terminal = stream.isatty()
    width = shutil.get_terminal_size((_OTHERWISE, 24)).columns
    encoding = stream.encoding or "ascii"
    # Python writes UTF-8 even under LC_ALL=C; what the user's own locale says is what the terminal shows
    shows = _can_encode(encoding) and _can_encode(locale.getencoding())
    coloured = is_terminal and "NO_COLOR" not in os.environ and os.environ.get("TERM", "dumb") != "dumb"
    return Terminal(max(_NARROW, min(width, _WIDE)), shows, coloured, encoding if shows else "ascii")


def _can_encode(encoding: str) -> bool:
    try:
        _BLOCKS.encode(encoding)
    except (UnicodeEncodeError, LookupError):
        return False
    return True
