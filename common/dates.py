"""Business dates: always given, always `YYYY-MM-DD`, never "today"."""

from __future__ import annotations

import re
from contextlib import suppress
from datetime import date, timedelta

from common.errors import Usage

_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)
# a history window before it and a due date after it must be days too, and its hours those of a zone's clock
_FIRST, _LAST = date(1900, 1, 1), date(2999, 12, 31)


def business_date(text: str) -> date:
    """The date that `text` spells, or Usage: anything but `YYYY-MM-DD` of a real day from 1900 to 2999 is refused."""
    if _DATE.fullmatch(text):
        with suppress(ValueError):
            return _within(date.fromisoformat(text))
    raise Usage(f"{text!r} is not a business date", next="give a real day as YYYY-MM-DD, such as 2017-12-23")


def _within(day: date) -> date:
    if not _FIRST <= day <= _LAST:
        raise Usage(f"{day} is too far away for a business date", next=f"give a day from {_FIRST} to {_LAST}")
    return day


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
