"""The rules of raw files: one line, judged exactly, in plain Python. **This is the specification.**

The fast way (prove.py) may only ever accept what these rules accept; a test holds both against each other. What each
reason means, and whether it rejects a row or sets it aside, stands in the tables' contracts. Values: values.py. Receipts:
judge_receipts.py.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from typing import Any, NamedTuple

from common.staging.days import BusinessDay
from common.staging.values import INT32, INT64, Refused, money, quantity, snapshot_date, stamp, text, whole

_BLANK = " \t\r\n"
csv.field_size_limit(1 << 31)  # the longest line is bounded by the contract, and a field with it


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
    places: Collection[str]  # stores of an order, warehouses of a stock row, released orders of a receipt
    line_bytes: int


# -- one line as a record ----------------------------------------------------------------------------------------


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    record = dict(pairs)
    if len(record) != len(pairs):
        raise Refused("duplicate_key")
    return record


def _constant(_text: str) -> None:
    raise Refused("malformed_json")  # NaN and Infinity


def _decimal(text: str) -> Decimal:
    """A JSON number; one whose exponent no decimal can hold is infinite, which no rule accepts."""
    try:
        return Decimal(text)
    except InvalidOperation:
        return Decimal("Infinity")


_decode = json.JSONDecoder(parse_float=_decimal, object_pairs_hook=_object, parse_constant=_constant).decode


def text_of(raw: bytes, rules: Rules) -> str:
    """The text of a line; Refused when it is too long or not UTF-8."""
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


class Values:
    """Takes the values of one row, collecting the reasons against them."""

    def __init__(self, reasons: Sequence[str] = ()) -> None:
        self.reasons = list(reasons)

    def take(self, rule: Callable[..., Any], *arguments: Any) -> Any:
        """The value that a rule gives; None, and one reason more, where it refuses."""
        try:
            return rule(*arguments)
        except Refused as refusal:
            self.reasons.append(str(refusal))
            return None


# -- one line of each kind of file --------------------------------------------------------------------------------

ORDER_FIELDS = ("order_id", "store_id", "ordered_at", "line_no", "sku", "quantity", "unit_price")
ORDER_KEYS, LINE_KEYS = (*ORDER_FIELDS[:3], "lines"), ORDER_FIELDS[3:]
STOCK_FIELDS = ("snapshot_date", "warehouse_id", "sku", "available", "reserved", "safety_stock")


def _order_part(values: Values, record: dict[str, Any], rules: Rules) -> tuple[Any, Any, Any]:
    return (
        values.take(text, record.get("order_id"), "order_id"),
        values.take(text, record.get("store_id"), "store_id", rules.places),
        values.take(stamp, record.get("ordered_at"), rules.day),
    )


def _line_part(values: Values, line: dict[str, Any], rules: Rules) -> tuple[Any, Any, Any, Any]:
    return (
        values.take(whole, line.get("line_no"), "line_no", 1, INT32),
        values.take(text, line.get("sku"), "sku", rules.skus),
        values.take(quantity, line.get("quantity")),
        values.take(money, line.get("unit_price"), "unit_price"),
    )


def order_json(raw: bytes, _header: Sequence[str], rules: Rules) -> Verdict:
    """One order, its lines nested. A record that can't be read, or has no lines, counts as one line."""
    verdict = Verdict()
    try:
        line = text_of(raw, rules)
        if not line.strip(_BLANK):
            return verdict
        record = json_record(line)
    except Refused as refusal:
        verdict.refused.append(Refusal(None, None, [str(refusal)]))
        return verdict
    verdict.extra |= record.keys() - set(ORDER_KEYS)
    values = Values()
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
        own = Values(values.reasons)
        line_no, sku, units, price = _line_part(own, item, rules)
        if own.reasons:
            verdict.refused.append(Refusal(element, readable_sku(item.get("sku")), own.reasons))
        else:
            verdict.rows.append((order_id, line_no, store_id, ordered_at, sku, units, price))
            verdict.elements.append(element)
    return verdict


def order_csv(raw: bytes, header: Sequence[str], rules: Rules) -> Verdict:
    """One order line."""

    def row(values: Values, record: dict[str, Any]) -> tuple[Any, ...]:
        order_id, store_id, ordered_at = _order_part(values, record, rules)
        line_no, sku, units, price = _line_part(values, record, rules)
        return order_id, line_no, store_id, ordered_at, sku, units, price

    return csv_line(raw, header, rules, row)


def stock_csv(raw: bytes, header: Sequence[str], rules: Rules) -> Verdict:
    """One SKU's position in one warehouse."""

    def row(values: Values, record: dict[str, Any]) -> tuple[Any, ...]:
        values.take(snapshot_date, record["snapshot_date"], rules.day)
        return (
            values.take(text, record["warehouse_id"], "warehouse_id", rules.places),
            values.take(text, record["sku"], "sku", rules.skus),
            values.take(whole, record["available"], "available", -INT64, INT64),
            values.take(whole, record["reserved"], "reserved", 0, INT64),
            None if record["safety_stock"] is None else values.take(whole, record["safety_stock"], "safety_stock", 0, INT64),
        )

    return csv_line(raw, header, rules, row)


def csv_line(
    raw: bytes, header: Sequence[str], rules: Rules, row: Callable[[Values, dict[str, Any]], tuple[Any, ...]]
) -> Verdict:
    """One line of a CSV file that has a row a line; `row` takes the values of a record."""
    try:
        line = text_of(raw, rules)
        if not line.strip(_BLANK):
            return Verdict()
        record = csv_record(line, header)
    except Refused as refusal:
        return Verdict(refused=[Refusal(None, _sku_by_position(raw, header, rules.skus), [str(refusal)])])
    values = Values()
    found = row(values, record)
    if values.reasons:
        return Verdict(refused=[Refusal(None, readable_sku(record.get("sku")), values.reasons)])
    return Verdict(rows=[found], elements=[None])


def _sku_by_position(raw: bytes, header: Sequence[str], skus: Collection[str]) -> str | None:
    """The SKU of a CSV line that can't be read as a whole: better held in vain than taken for sold out.

    None when what stands in its place is no SKU that is known: then any SKU without a stock row may be meant.
    """
    line = raw[: 1 << 16].decode("utf-8", "replace")
    try:
        fields = csv_fields(line)
    except Refused:
        fields = line.split(",")
    place = header.index("sku")
    sku = readable_sku(fields[place].strip('"')) if place < len(fields) else None
    return sku if sku in skus else None


def readable_sku(value: Any) -> str | None:
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
        return text(record.get("order_id"), "order_id"), str(whole(record.get("line_no"), "line_no", 1, INT32))
    except (Refused, UnicodeDecodeError):
        return None


def stock_csv_key(raw: bytes, header: Sequence[str]) -> tuple[str, ...] | None:
    """(warehouse_id, sku) likewise."""
    try:
        record = csv_record(raw.decode("utf-8"), header)
        return text(record.get("warehouse_id"), "warehouse_id"), text(record.get("sku"), "sku")
    except (Refused, UnicodeDecodeError):
        return None
