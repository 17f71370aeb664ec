"""The strict grammar of clean lines, as regular expressions: what full-matches converts without loss.

A clean JSON record names each key once, in the order of the file's first record, without escapes; counts have at most 9
digits, prices at most 10 with at most 2 decimals; every time has the offset of the file's first record, on a day that
the business date touches. Everything else is the judge's.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import lru_cache

from common.staging.days import BusinessDay
from common.staging.feeds import FEEDS, Feed
from common.staging.judge import LINE_KEYS, ORDER_KEYS
from common.staging.lines import is_utf8

_STAMP = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]+(Z|[+-][0-9]{2}:[0-9]{2}|)", re.ASCII)
_RECENT_DAYS = 35  # a receipt is hardly booked later; an older day is the judge's
_TRIED = 20  # lines at the beginning that are looked at for the order of keys and the form of times


@dataclass(frozen=True)
class Grammar:
    """How clean lines of one block look.

    line    matches a whole clean line
    key     matches a line as far as its key, whose parts are named groups
    suffix  what the text of every time ends with: "", "Z" or an offset
    shift   microseconds to add to a time's text read as UTC
    """

    line: str
    key: str
    suffix: str
    shift: int


def grammar(feed: Feed, data: bytes, header: tuple[str, ...], day: BusinessDay) -> Grammar:
    """The grammar of a block of lines. Strings beyond ASCII are clean only where the whole block is UTF-8.

    (RE2 takes a few byte sequences that are no UTF-8 for characters: surrogates, and what is past 10FFFF.)
    """
    if header:
        return _csv(feed.table, header, _csv_suffix(data, header), is_utf8(data), day)
    if not feed.is_nested:
        return _flat_json(feed.table, _flat_form(data, feed), is_utf8(data), day)
    top, line, suffix = _json_form(data)
    return _json(top, line, suffix, is_utf8(data), day)


def _first_lines(data: bytes) -> list[bytes]:
    return data[: 1 << 16].split(b"\n", _TRIED)[:_TRIED]


def _json_form(data: bytes) -> tuple[tuple[str, ...], tuple[str, ...], str]:
    """The order of keys and the end of times, of the first record that shows both."""
    for raw in _first_lines(data):
        try:
            record = json.loads(raw)
            top, line, stamp = tuple(record), tuple(record["lines"][0]), record["ordered_at"]
            if set(top) == set(ORDER_KEYS) and set(line) == set(LINE_KEYS):
                return top, line, _suffix(stamp)
        except (ValueError, TypeError, KeyError, IndexError, AttributeError, RecursionError):
            continue
    return ORDER_KEYS, LINE_KEYS, "Z"


def _flat_form(data: bytes, feed: Feed) -> tuple[str, ...]:
    """The order of keys, of the first record that shows it."""
    for raw in _first_lines(data):
        try:
            keys = tuple(json.loads(raw))
            if set(keys) == set(feed.kinds):
                return keys
        except (ValueError, TypeError, RecursionError):
            continue
    return tuple(feed.kinds)


def _csv_suffix(data: bytes, header: Sequence[str]) -> str:
    if "ordered_at" not in header:
        return ""
    place = header.index("ordered_at")
    for raw in _first_lines(data):
        fields = raw.decode("utf-8", "replace").rstrip("\r").split(",")
        if len(fields) == len(header) and "T" in fields[place]:
            return _suffix(fields[place])
    return "Z"


def _suffix(stamp: str) -> str:
    match = _STAMP.fullmatch(stamp)
    return match[1] if match else "Z"


def _text(utf8: bool, without: str) -> str:
    """One or more characters of a clean text; `without` is excluded besides quotes and backslashes."""
    return rf'[^"\\\x00-\x1f{without}]+' if utf8 else (r"[ !#-+\--\[\]-~]+" if without else r"[ !#-\[\]-~]+")


def _offset(suffix: str, day: BusinessDay) -> timedelta | None:
    """The offset that a time with this suffix has; None when a local time may be ambiguous that day."""
    if suffix == "":
        return day.constant_offset()
    if suffix == "Z":
        return timedelta()
    size = timedelta(hours=int(suffix[1:3]), minutes=int(suffix[4:6]))
    if size >= timedelta(hours=24) or int(suffix[4:6]) > 59:
        return None
    return -size if suffix[0] == "-" else size


def _kinds(feed_text: str, suffix: str, day: BusinessDay, quote: str) -> tuple[dict[str, str], int]:
    """Regular expression of each kind of value, and the shift of times."""
    offset = _offset(suffix, day)
    dates = "|".join(map(str, day.days_at(offset))) if offset is not None else "no time is clean"
    at = rf"(?:{dates})T(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](?:\.[0-9]{{1,6}})?{re.escape(suffix)}"
    natural = "(?:0|[1-9][0-9]{0,17})"
    kinds = {
        "text": f"{quote}{feed_text}{quote}",
        "instant": f"{quote}{at}{quote}",
        "day": str(day.day),
        "recent day": f"{quote}(?:{'|'.join(str(day.day - timedelta(days=n)) for n in range(_RECENT_DAYS))}){quote}",
        "flag": "(?:true|false)",
        "count": "[1-9][0-9]{0,8}",
        "money": r"(?:0|[1-9][0-9]{0,9})(?:\.[0-9]{1,2})?",
        "whole": f"(?:{natural}|-[1-9][0-9]{{0,17}})",
        "natural": natural,
        "natural or nothing": f"{natural}?",
    }
    return kinds, -int((offset or timedelta()) / timedelta(microseconds=1))


@lru_cache(256)
def _json(top: tuple[str, ...], line: tuple[str, ...], suffix: str, utf8: bool, day: BusinessDay) -> Grammar:
    char = _text(utf8, "")
    kinds, shift = _kinds(char, suffix, day, '"')
    sep, colon = ", ?", ": ?"
    values = {name: kinds[kind] for name, kind in FEEDS["staging.pos_order_lines"].kinds.items()}
    element = r"\{" + sep.join(f'"{k}"{colon}{values[k]}' for k in line) + r"\}"
    values["lines"] = rf"\[{element}(?:{sep}{element})*\]"
    fields = [f'"{k}"{colon}{values[k]}' for k in top]
    before = [*fields[: top.index("order_id")], f'"order_id"{colon}"(?P<order_id>{char})"']
    return Grammar(r"^\{" + sep.join(fields) + r"\}[ \t\r\n]*$", r"^\{" + sep.join(before), suffix, shift)


@lru_cache(256)
def _flat_json(table: str, keys: tuple[str, ...], utf8: bool, day: BusinessDay) -> Grammar:
    feed = FEEDS[table]
    char = _text(utf8, "")
    kinds, shift = _kinds(char, "", day, '"')
    fields = [f'"{k}": ?"(?P<{k}>{char})"' if k in feed.grain else f'"{k}": ?{kinds[feed.kinds[k]]}' for k in keys]
    line = r"^\{" + ", ?".join(fields) + r"\}[ \t\r\n]*$"
    return Grammar(line, line, "", shift)


@lru_cache(256)
def _csv(table: str, header: tuple[str, ...], suffix: str, utf8: bool, day: BusinessDay) -> Grammar:
    feed = FEEDS[table]
    char = _text(utf8, r",\x7f")
    kinds, shift = _kinds(char, suffix, day, "")
    # a field that nobody asked for may hold any clean text, or nothing
    fields = [kinds[feed.kinds[h]] if h in feed.kinds else char.removesuffix("+") + "*" for h in header]
    named = [f"(?P<{h}>{f})" if h in feed.grain else f for h, f in zip(header, fields, strict=True)]
    end = r"\r?\n?$"
    return Grammar("^" + ",".join(fields) + end, "^" + ",".join(named) + end, suffix, shift)
