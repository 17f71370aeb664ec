"""The rules of single values: exact, or Refused with the rule's code. Part of the specification, see judge.py.

Numbers never pass through a float: JSON numbers arrive as `int` or `Decimal`. A number may come as a text when that text
spells it plainly: digits, no leading zero, no sign but a minus, no exponent.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from common.staging.days import BusinessDay, instant

_WHOLE = re.compile(r"0|-?[1-9][0-9]{0,19}", re.ASCII)
_PLAIN = re.compile(r"-?(?:0|[1-9][0-9]{0,19})(?:\.[0-9]{1,40})?", re.ASCII)
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)
_CONTROL = re.compile(r"[\x00-\x1f]")
_CENT, _TOO_MUCH = Decimal("0.01"), Decimal(10**10)
INT32, INT64 = 2**31, 2**63


class Refused(Exception):
    """A value or a line breaks a rule; the text is the rule's code."""


def text(value: Any, name: str, known: Collection[str] | None = None) -> str:
    """A text that is not empty and has no control characters; one of `known`, where that is given."""
    if value is None:
        raise Refused(f"{name}_missing")
    if type(value) is not str or not value or _CONTROL.search(value):
        raise Refused(f"{name}_invalid")
    try:
        value.encode()
    except UnicodeEncodeError:  # half of a surrogate pair
        raise Refused(f"{name}_invalid") from None
    if known is not None and value not in known:
        raise Refused(f"{name}_unknown")
    return value


def whole(value: Any, name: str, low: int, high: int) -> int:
    """A whole number from `low` up to and without `high`, written without decimals."""
    if value is None:
        raise Refused(f"{name}_missing")
    if type(value) is str and _WHOLE.fullmatch(value):
        value = int(value)
    if type(value) is not int or not low <= value < high:
        raise Refused(f"{name}_invalid")
    return value


def quantity(value: Any) -> int:
    """Units ordered, from 1; zero and returns have a reason of their own."""
    units = whole(value, "quantity", -INT32, INT32)
    if units < 1:
        raise Refused("quantity_zero" if units == 0 else "quantity_negative")
    return units


def money(value: Any, name: str) -> Decimal:
    """An amount from 0 that 12 digits with 2 decimals hold exactly; 5.710 is 5.71, 5.714 is refused."""
    if value is None:
        raise Refused(f"{name}_missing")
    if (type(value) is str and _PLAIN.fullmatch(value)) or type(value) is int:
        value = Decimal(value)
    if type(value) is not Decimal or value.is_signed() or not value < _TOO_MUCH or value != value.quantize(_CENT):
        raise Refused(f"{name}_invalid")
    return value.quantize(_CENT)


def stamp(value: Any, day: BusinessDay) -> datetime:
    """The instant, in UTC, of an order of that business date."""
    if value is None:
        raise Refused("ordered_at_missing")
    moment, reason = instant(value, day) if type(value) is str else (None, "ordered_at_invalid")
    if moment is None:
        raise Refused(reason)
    return moment


def snapshot_date(value: Any, day: BusinessDay) -> date:
    """The business date itself."""
    found = _calendar_day(value, "snapshot_date")
    if found != day.day:
        raise Refused("other_business_date")
    return found


def day_received(value: Any, day: BusinessDay) -> date:
    """The business date or a day before it: goods may be booked late, never ahead."""
    found = _calendar_day(value, "received_on")
    if found > day.day:
        raise Refused("received_on_future")
    return found


def flag(value: Any, name: str) -> bool:
    """True or false; as a text only `true` and `false`."""
    if value is None:
        raise Refused(f"{name}_missing")
    if value is True or value is False:
        return bool(value)
    if type(value) is not str or value not in ("true", "false"):
        raise Refused(f"{name}_invalid")
    return value == "true"


def _calendar_day(value: Any, name: str) -> date:
    if value is None:
        raise Refused(f"{name}_missing")
    try:
        return date.fromisoformat(value) if type(value) is str and _DAY.fullmatch(value) else _no_day(name)
    except ValueError:
        return _no_day(name)


def _no_day(name: str) -> date:
    raise Refused(f"{name}_invalid")
