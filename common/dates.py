"""Business dates: always given, always `YYYY-MM-DD`, never "today"."""

from __future__ import annotations

import re
from datetime import date, timedelta

from common.errors import Usage

_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)


def business_date(text: str) -> date:
    """The date that `text` spells, or Usage: anything but `YYYY-MM-DD` of a real day is refused."""
    if _DATE.fullmatch(text):
        try:
            return date.fromisoformat(text)
        except ValueError:
            pass
    raise Usage(f"{text!r} is not a business date", next="give a real day as YYYY-MM-DD, such as 2017-12-23")


def date_range(text: str) -> list[date]:
    """One day (`D`) or every day of `FROM..TO`, both ends included, in order."""
    first, dots, last = text.partition("..")
    start = business_date(first)
    end = business_date(last) if dots else start
    if end < start:
        raise Usage(f"the range {text!r} ends before it begins", next=f"try {last}..{first}")
    return [start + timedelta(days=n) for n in range((end - start).days + 1)]


def window_before(day: date, days: int) -> list[date]:
    """The `days` days before `day`, oldest first; `day` itself is not among them."""
    return [day - timedelta(days=n) for n in range(days, 0, -1)]
