"""The nightly window, in the business time zone: `22:00-00:00`.

A night that starts outside it warns and runs on, or exits 75, as set. One that starts inside starts no stage past the end.
"""

from __future__ import annotations

import sys
from datetime import UTC, datetime, timedelta
from datetime import time as clock
from zoneinfo import ZoneInfo

from common.errors import TryAgain
from common.settings import Settings


def end_of(window: str, now: datetime) -> datetime | None:
    """When the window in which `now` lies, on the clock of its own zone, ends; None outside. In UTC, whose clock never jumps.

    A window that ends at or before its start goes past midnight.
    """
    start, end = map(clock.fromisoformat, window.split("-"))
    at = now.time()
    is_inside = start <= at < end if start < end else at >= start or at < end
    if not is_inside:
        return None
    last = now.date() + timedelta(days=int(at >= end))
    return datetime.combine(last, end, tzinfo=now.tzinfo).astimezone(UTC)


def enter_window(settings: Settings) -> datetime | None:
    """The time from which a night that starts now starts no stage; None where it may run on.

    TryAgain, or a warning, outside the window, as `night.outside_window` says.
    """
    if not settings["night.window"]:
        return None
    end = end_of(settings["night.window"], datetime.now(ZoneInfo(settings["business.time_zone"])))
    if end is None:
        sentence = _sentence(settings, "outside")
        if settings["night.outside_window"] == "refuse":
            raise TryAgain(f"the night was not started: {sentence}", where="setting night.window", next=_NEXT)
        print(f"warning: {sentence}", file=sys.stderr)
    return end


def check_window(settings: Settings, end: datetime | None) -> None:
    """Between two stages: TryAgain past the end that `enter_window` gave, so that the next one does not start."""
    if end is not None and datetime.now(UTC) >= end:
        sentence = _sentence(settings, "past the end of")
        raise TryAgain(f"the next stage was not started: {sentence}", where="setting night.window", next=_NEXT)


def _sentence(settings: Settings, place: str) -> str:
    zone = settings["business.time_zone"]
    return f"it is {datetime.now(ZoneInfo(zone)):%H:%M} in {zone}, {place} the window {settings['night.window']}"


_NEXT = "run it in the window, or now with --set night.outside_window=warn"
