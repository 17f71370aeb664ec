"""A SKU's recent demand as a small picture: one bar a day, the business date last and in another colour."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

HEIGHT, BAR, GAP = 56, 6, 2


def bars(days: Sequence[date], units: Mapping[date, int], last: date, window: int) -> list[dict[str, Any]]:
    """One bar for each day of a window that ends with `last`, in pixels from the top left.

    A day that is not in `days` has no published order lines: it gets no bar but a mark, since nothing is not zero.
    Heights are whole pixels by integer division; a day with a sale is at least one pixel high.
    """
    highest = max([units.get(day, 0) for day in days], default=0) or 1
    published, made = set(days), []
    for position in range(window + 1):
        day = date.fromordinal(last.toordinal() - window + position)
        count = units.get(day, 0)
        height = max(count * HEIGHT // highest, 1 if count > 0 else 0)
        made.append(
            {
                "x": position * (BAR + GAP),
                "y": HEIGHT - height,
                "height": height,
                "is_last": day == last,
                "is_known": day in published,
            }
        )
    return made


def in_words(days: Sequence[date], units: Mapping[date, int], last: date) -> str:
    """What the picture says, for who can't see it."""
    before = [(units.get(day, 0), day) for day in days if day != last]
    sold = sum(1 for count, _ in before if count > 0)
    top = max(before, default=(0, last))
    highest = f", at most {top[0]:,} on {top[1]}" if top[0] > 0 else ""
    return f"{units.get(last, 0):,} units on {last}; sold on {sold} of the {len(before)} days before{highest}"
