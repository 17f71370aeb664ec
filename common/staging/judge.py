"""The rules of raw files: one line, judged exactly, in plain Python. **This is the specification.**

The fast way (prove.py) may only ever accept what these rules accept; a test holds both against each other. What each
reason means, and whether it rejects a row or sets it aside, stands in the tables' contracts.

Numbers never pass through a float: JSON numbers are read as `int` or `Decimal`. A number may come as a text when that
text spells it plainly: digits, no leading zero, no sign but a minus, no exponent.
"""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any, NamedTuple

from common.staging.days import BusinessDay, instant

_WHOLE = re.compile(r"0|-?[1-9][0-9]{0,19}", re.ASCII)
_PLAIN = re.compile(r"-?(?:0|[1-9][0-9]{0,19})(?:\.[0-9]{1,40})?", re.ASCII)
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)
_CONTROL = re.compile(r"[\x00-\x1f]")
_CENT, _TOO_MUCH = Decimal("0.01"), Decimal(10**10)
_INT32, _INT64 = 2**31, 2**63
_BLANK = " \t\r\n"


class Refused(Exception):
    """A value or a line breaks a rule; the text is the rule's code."""


class Refusal(NamedTuple):
    """What is not accepted: which order line of the record (None: the whole line), its SKU where it can be read, all codes."""

    element: int | None
    sku: str | None
    reasons: list[str]


@dataclass
class Verdict:
    """What became of one raw line; all empty for a blank one.

    rows     accepted rows: the staged columns without source_file and source_line
    elements of each accepted row, which order line of the record it is; None in CSV
    refused  what is rejected or set aside
    extra    names of fields that nobody asked for
    """

    rows: list[tuple[Any, ...]] = field(default_factory=list)
    elements: list[int | None] = field(default_factory=list)
    refused: list[Refusal] = field(default_factory=list)
    extra: set[str] = field(default_factory=set)


@dataclass(frozen=True)
class Rules:
    """What the rules compare with: the business date, master data of the date, the longest line in bytes."""

    day: BusinessDay
    skus: Collection[str]
    places: Collection[str]  # stores of an order, warehouses of a stock row
    line_bytes: int


# -- one line as a record ----------------------------------------------------------------------------------------


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    record = dict(pairs)
    if len(record) != len(pairs):
        raise Refused("duplicate_key")
    return record


def _constant(_text: str) -> None:
    raise Refused("malformed_json")  # NaN and Infinity


_decode = json.JSONDecoder(parse_float=Decimal, object_pairs_hook=_object, parse_constant=_constant).decode


def _text_of(raw: bytes, rules: Rules) -> str:
    if len(raw.removesuffix(b"\n")) > rules.line_bytes:
        raise Refused("line_too_long")
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        raise Refused("not_utf8") from None


def json_record(text: str) -> dict[str, Any]:
    """The object that a line spells; Refused if it is anything else."""
    try:
        record = _decode(text)
    except (ValueError, RecursionError):
        raise Refused("malformed_json") from None
    if type(record) is not dict:
        raise Refused("not_an_object")
    return record


def csv_fields(text: str) -> list[str]:
    """The fields of one CSV line (RFC 4180 on a single line)."""
    try:
        return next(csv.reader([text.removesuffix("\n").removesuffix("\r")], strict=True))
    except (csv.Error, StopIteration):
        raise Refused("malformed_csv") from None


def csv_record(text: str, header: Sequence[str]) -> dict[str, Any]:
    """The fields by the header's names; an empty field is a missing one."""
    fields = csv_fields(text)
    if len(fields) != len(header):
        raise Refused("wrong_number_of_fields")
    return {name: value or None for name, value in zip(header, fields, strict=True)}


# -- one value ---------------------------------------------------------------------------------------------------


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
    units = whole(value, "quantity", -_INT32, _INT32)
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
    if value is None:
        raise Refused("snapshot_date_missing")
    try:
        found = date.fromisoformat(value) if _DAY.fullmatch(value) else None
    except ValueError:
        found = None
    if found is None:
        raise Refused("snapshot_date_invalid")
    if found != day.day:
        raise Refused("other_business_date")
    return found


class _Values:
    """Takes the values of one row, collecting the reasons against them."""

    def __init__(self, reasons: Sequence[str] = ()) -> None:
        self.reasons = list(reasons)

    def take(self, rule: Callable[..., Any], *arguments: Any) -> Any:
        try:
            return rule(*arguments)
        except Refused as refusal:
            self.reasons.append(str(refusal))
            return None


# -- one line of each kind of file --------------------------------------------------------------------------------

ORDER_FIELDS = ("order_id", "store_id", "ordered_at", "line_no", "sku", "quantity", "unit_price")
ORDER_KEYS, LINE_KEYS = (*ORDER_FIELDS[:3], "lines"), ORDER_FIELDS[3:]
STOCK_FIELDS = ("snapshot_date", "warehouse_id", "sku", "available", "reserved", "safety_stock")


def _order_part(values: _Values, record: dict[str, Any], rules: Rules) -> tuple[Any, Any, Any]:
    return (
        values.take(text, record.get("order_id"), "order_id"),
        values.take(text, record.get("store_id"), "store_id", rules.places),
        values.take(stamp, record.get("ordered_at"), rules.day),
    )


def _line_part(values: _Values, line: dict[str, Any], rules: Rules) -> tuple[Any, Any, Any, Any]:
    return (
        values.take(whole, line.get("line_no"), "line_no", 1, _INT32),
        values.take(text, line.get("sku"), "sku", rules.skus),
        values.take(quantity, line.get("quantity")),
        values.take(money, line.get("unit_price"), "unit_price"),
    )


def order_json(raw: bytes, _header: Sequence[str], rules: Rules) -> Verdict:
    """One order, its lines nested. A record that can't be read, or has no lines, counts as one line."""
    verdict = Verdict()
    try:
        line = _text_of(raw, rules)
        if not line.strip(_BLANK):
            return verdict
        record = json_record(line)
    except Refused as refusal:
        verdict.refused.append(Refusal(None, None, [str(refusal)]))
        return verdict
    verdict.extra |= record.keys() - set(ORDER_KEYS)
    values = _Values()
    order_id, store_id, ordered_at = _order_part(values, record, rules)
    lines = record.get("lines")
    if type(lines) is not list or not lines:
        verdict.refused.append(Refusal(None, None, [*values.reasons, "lines_missing"]))
        return verdict
    for element, item in enumerate(lines, 1):
        if type(item) is not dict:
            verdict.refused.append(Refusal(element, None, [*values.reasons, "line_not_an_object"]))
            continue
        verdict.extra |= {f"lines.{key}" for key in item.keys() - set(LINE_KEYS)}
        own = _Values(values.reasons)
        line_no, sku, units, price = _line_part(own, item, rules)
        if own.reasons:
            verdict.refused.append(Refusal(element, _readable(item.get("sku")), own.reasons))
        else:
            verdict.rows.append((order_id, line_no, store_id, ordered_at, sku, units, price))
            verdict.elements.append(element)
    return verdict


def order_csv(raw: bytes, header: Sequence[str], rules: Rules) -> Verdict:
    """One order line."""

    def row(values: _Values, record: dict[str, Any]) -> tuple[Any, ...]:
        order_id, store_id, ordered_at = _order_part(values, record, rules)
        line_no, sku, units, price = _line_part(values, record, rules)
        return order_id, line_no, store_id, ordered_at, sku, units, price

    return _csv_line(raw, header, rules, row)


def stock_csv(raw: bytes, header: Sequence[str], rules: Rules) -> Verdict:
    """One SKU's position in one warehouse."""

    def row(values: _Values, record: dict[str, Any]) -> tuple[Any, ...]:
        values.take(snapshot_date, record["snapshot_date"], rules.day)
        return (
            values.take(text, record["warehouse_id"], "warehouse_id", rules.places),
            values.take(text, record["sku"], "sku", rules.skus),
            values.take(whole, record["available"], "available", -_INT64, _INT64),
            values.take(whole, record["reserved"], "reserved", 0, _INT64),
            None if record["safety_stock"] is None else values.take(whole, record["safety_stock"], "safety_stock", 0, _INT64),
        )

    return _csv_line(raw, header, rules, row)


def _csv_line(
    raw: bytes, header: Sequence[str], rules: Rules, row: Callable[[_Values, dict[str, Any]], tuple[Any, ...]]
) -> Verdict:
    try:
        line = _text_of(raw, rules)
        if not line.strip(_BLANK):
            return Verdict()
        record = csv_record(line, header)
    except Refused as refusal:
        return Verdict(refused=[Refusal(None, _sku_by_position(raw, header), [str(refusal)])])
    values = _Values()
    found = row(values, record)
    if values.reasons:
        return Verdict(refused=[Refusal(None, _readable(record.get("sku")), values.reasons)])
    return Verdict(rows=[found], elements=[None])


def _sku_by_position(raw: bytes, header: Sequence[str]) -> str | None:
    """The SKU of a CSV line that can't be read as a whole: better held in vain than taken for sold out."""
    line = raw[: 1 << 16].decode("utf-8", "replace")
    try:
        fields = csv_fields(line)
    except Refused:
        fields = line.split(",")
    place = header.index("sku")
    return _readable(fields[place].strip('"')) if place < len(fields) else None


def _readable(value: Any) -> str | None:
    """A SKU as far as it can be read, for the audit table."""
    if type(value) is int:
        return str(value)
    if type(value) is not str:
        return None
    return value.encode("utf-8", "replace").decode().strip() or None


# -- keys, for the search of duplicates ----------------------------------------------------------------------------


def order_json_key(raw: bytes, _header: Sequence[str]) -> tuple[str, ...] | None:
    """(order_id,) of a line that might give accepted rows, else None."""
    try:
        return (text(json_record(raw.decode("utf-8")).get("order_id"), "order_id"),)
    except (Refused, UnicodeDecodeError):
        return None


def order_csv_key(raw: bytes, header: Sequence[str]) -> tuple[str, ...] | None:
    """(order_id, line_no) likewise."""
    try:
        record = csv_record(raw.decode("utf-8"), header)
        return text(record.get("order_id"), "order_id"), str(whole(record.get("line_no"), "line_no", 1, _INT32))
    except (Refused, UnicodeDecodeError):
        return None


def stock_csv_key(raw: bytes, header: Sequence[str]) -> tuple[str, ...] | None:
    """(warehouse_id, sku) likewise."""
    try:
        record = csv_record(raw.decode("utf-8"), header)
        return text(record.get("warehouse_id"), "warehouse_id"), text(record.get("sku"), "sku")
    except (Refused, UnicodeDecodeError):
        return None
