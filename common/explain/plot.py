"""The demand of the days before a date as a small plot of text, and what there is to say of it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

_EIGHTHS = " ▁▂▃▄▅▆▇█"
_HEIGHT = 4  # lines of text


def plot(days: Mapping[date, int | None], *, is_unicode: bool, width: int = 80) -> list[str]:
    """Bars of whole units, one a day, oldest first, over the letters of the weekdays.

    A day without published order lines (None) has a `?`: it is missing, not a day of zero. A sale, however small beside
    the largest day, is always seen.
    """
    top = max((qty for qty in days.values() if qty), default=0)
    label = max(len(f"{top:,}"), 1)
    step = 3 if width >= label + 3 + 3 * len(days) else 2 if width >= label + 3 + 2 * len(days) else 1
    lines = []
    for level in range(_HEIGHT, 0, -1):
        bars = [_bar(qty, top, level, is_unicode) * max(1, step - 1) + " " * min(1, step - 1) for qty in days.values()]
        lines.append(f"{f'{top:,}' if level == _HEIGHT else '':>{label}} {_edge(is_unicode)}{''.join(bars).rstrip()}")
    names = ["?" if qty is None else "MTWTFSS"[on.weekday()] for on, qty in days.items()]
    lines.append(f"{'0':>{label}} {_edge(is_unicode)}{''.join(f'{name:<{step}}' for name in names).rstrip()}")
    return lines


def summary(days: Mapping[date, int | None]) -> str:
    """The window in one sentence; the days are those before the date."""
    known = {on: qty for on, qty in days.items() if qty is not None}
    missing = len(days) - len(known)
    gap = f"; ? = {missing} of {len(days)} days without published order lines" if missing else ""
    if not known:
        return f"no day of the {len(days)} before has published order lines"
    if not any(known.values()):
        return f"no unit on the {len(known)} days before{gap}"
    largest = max(known, key=lambda on: (known[on], on))
    tenths = (sum(known.values()) * 20 + len(known)) // (2 * len(known))  # rounded half up, in tenths of a unit
    sold = sum(qty > 0 for qty in known.values())
    return (
        f"asked for on {sold} of the {len(known)} days before, mean {tenths // 10:,}.{tenths % 10}, "
        f"largest {known[largest]:,} on {largest:%m-%d}{gap}"
    )


def _bar(quantity: int | None, top: int, level: int, is_unicode: bool) -> str:
    """What a day shows on one line of the plot, 1 being the lowest."""
    if not quantity or quantity < 0:
        return " "
    eighths = max(1, quantity * _HEIGHT * 8 // top)
    here = min(8, max(0, eighths - (level - 1) * 8))
    if is_unicode:
        return _EIGHTHS[here]
    return "#" if here >= 4 or (level == 1 and here) else " "


def _edge(is_unicode: bool) -> str:
    return "│" if is_unicode else "|"
