"""The nightly window, in the business time zone: `22:00-00:00`. Outside it a night warns or exits 75, as set."""

from __future__ import annotations

import re
import sys
from datetime import datetime
from zoneinfo import ZoneInfo

from common.errors import Misconfigured, TryAgain
from common.settings import Settings

_WINDOW = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])-([01][0-9]|2[0-3]):([0-5][0-9])", re.ASCII)


def contains(window: str, minute: int) -> bool:
    """Whether a minute of the day lies in the window; one that ends at or before its start goes past midnight."""
    found = _WINDOW.fullmatch(window)
    if not found:
        raise Misconfigured(f"night.window is {window!r}", next="give HH:MM-HH:MM, such as 22:00-00:00")
    h1, m1, h2, m2 = map(int, found.groups())
    start, end = h1 * 60 + m1, h2 * 60 + m2
    return start <= minute < end if start < end else minute >= start or minute < end


def check_window(settings: Settings, *, starting: bool) -> None:
    """At the start: outside the window warns or refuses, as set. Between stages: past its end the next does not start."""
    window = settings["night.window"]
    if not window:
        return
    now = datetime.now(ZoneInfo(settings["business.time_zone"]))
    if contains(window, now.hour * 60 + now.minute):
        return
    refuse = settings["night.outside_window"] == "refuse"
    sentence = f"it is {now:%H:%M} in {settings['business.time_zone']}, outside the window {window}"
    if not refuse:
        if starting:
            print(f"warning: {sentence}", file=sys.stderr)
        return
    what = f"the night was not started: {sentence}" if starting else f"the next stage was not started: {sentence}"
    raise TryAgain(what, where="setting night.window", next="run it in the window, or --set night.outside_window=warn")
