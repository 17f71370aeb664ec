"""The business date as an interval of instants, and the texts that name an instant.

Business date D runs from the cut-off of D - 1 to the cut-off of D in the business time zone. A time with an offset is
an instant; a time without one is read in the business time zone.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, tzinfo
from datetime import time as clock
from zoneinfo import ZoneInfo

_STAMP = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,6})?(?P<offset>Z|[+-][0-9]{2}:[0-9]{2})?", re.ASCII
)
_HOUR = timedelta(hours=1)


@dataclass(frozen=True)
class BusinessDay:
    """Business date `day` in the zone named `zone`: the instants from `start` up to and without `end`."""

    day: date
    zone: str
    start: datetime
    end: datetime

    def __contains__(self, instant: datetime) -> bool:
        return self.start <= instant < self.end

    def days_at(self, offset: timedelta) -> list[date]:
        """The calendar days that this business date touches, as a clock with that offset shows them."""
        first = (self.start + offset).date()
        last = (self.end + offset - timedelta(microseconds=1)).date()
        return [first + timedelta(days=n) for n in range((last - first).days + 1)]

    def constant_offset(self) -> timedelta | None:
        """The zone's offset, when no hour change can touch a local time of this date; else None."""
        zone = ZoneInfo(self.zone)
        near = {_offset(t, zone) for t in _hours(self.start - 26 * _HOUR, self.end + 26 * _HOUR)}
        reach = max(near) - min(near)
        here = {_offset(t, zone) for t in _hours(self.start - reach - _HOUR, self.end + reach + _HOUR)}
        return here.pop() if len(here) == 1 else None


def business_day(day: date, zone: str, day_ends: str) -> BusinessDay:
    """The interval of a date; `day_ends` is its cut-off as `HH:MM`, `24:00` for midnight."""
    hours, minutes = map(int, day_ends.split(":"))
    last = day + timedelta(days=hours // 24)
    at = clock(hours % 24, minutes, tzinfo=ZoneInfo(zone))
    return BusinessDay(
        day, zone, datetime.combine(last - timedelta(days=1), at).astimezone(UTC), datetime.combine(last, at).astimezone(UTC)
    )


def instant(text: str, day: BusinessDay) -> tuple[datetime | None, str]:
    """(the instant in UTC, "") of a text, or (None, the reason why it is refused).

    A local time that an hour change makes ambiguous is taken as the earlier of its two readings, when both fall on the
    business date; one that an hour change skips is not a time.
    """
    match = _STAMP.fullmatch(text)
    if not match:
        return None, "ordered_at_invalid"
    try:
        read = datetime.fromisoformat(text)
        if match["offset"]:
            readings = [read.astimezone(UTC)]
        else:
            local = read.replace(tzinfo=ZoneInfo(day.zone))
            readings = [local.replace(fold=fold).astimezone(UTC) for fold in (0, 1)]
            if any(t.astimezone(local.tzinfo).replace(tzinfo=None) != read for t in readings):
                return None, "ordered_at_invalid"
    except (ValueError, OverflowError):
        return None, "ordered_at_invalid"
    inside = [t in day for t in readings]
    if all(inside):
        return min(readings), ""
    return None, "ordered_at_ambiguous" if any(inside) else "other_business_date"


def _hours(first: datetime, last: datetime) -> Iterator[datetime]:
    while first < last:
        yield first
        first += _HOUR / 4
    yield last


def _offset(moment: datetime, zone: tzinfo) -> timedelta:
    return moment.astimezone(zone).utcoffset() or timedelta()
