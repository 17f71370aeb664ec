"""The rules of goods received: one line, judged exactly. Part of the specification, see judge.py.

A record is one booking of one SKU of one order. Its quantity is what came; a negative one takes an earlier booking back; 0
says that nothing (more) will come, and only a final receipt may say so.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from common.staging.judge import Refusal, Rules, Values, Verdict, csv_line, csv_record, json_record, readable_sku, text_of
from common.staging.values import INT32, Refused, day_received, flag, text, whole

FIELDS = ("receipt_id", "order_number", "sku", "quantity", "received_on", "is_final")
KEY = FIELDS[:3]
_BLANK = " \t\r\n"


def receipt_json(raw: bytes, _header: Sequence[str], rules: Rules) -> Verdict:
    """One receipt, a flat object."""
    verdict = Verdict()
    try:
        line = text_of(raw, rules)
        if not line.strip(_BLANK):
            return verdict
        record = json_record(line)
    except Refused as refusal:
        verdict.refused.append(Refusal(None, None, [str(refusal)]))
        return verdict
    verdict.extra |= record.keys() - set(FIELDS)
    values = Values()
    row = _row(values, record, rules)
    if values.reasons:
        verdict.refused.append(Refusal(None, readable_sku(record.get("sku")), values.reasons))
    else:
        verdict.rows.append(row)
        verdict.elements.append(None)
    return verdict


def receipt_csv(raw: bytes, header: Sequence[str], rules: Rules) -> Verdict:
    """One receipt, a row."""
    return csv_line(raw, header, rules, lambda values, record: _row(values, record, rules))


def _row(values: Values, record: Mapping[str, Any], rules: Rules) -> tuple[Any, ...]:
    receipt_id = values.take(text, record.get("receipt_id"), "receipt_id")
    order_number = values.take(text, record.get("order_number"), "order_number", rules.places)
    sku = values.take(text, record.get("sku"), "sku", rules.skus)
    quantity = values.take(whole, record.get("quantity"), "quantity", 1 - INT32, INT32)
    received_on = values.take(day_received, record.get("received_on"), rules.day)
    is_final = values.take(flag, record.get("is_final"), "is_final")
    if quantity == 0 and is_final is False:
        values.reasons.append("quantity_zero")
    return receipt_id, order_number, sku, quantity, received_on, is_final


# -- keys, for the search of duplicates ----------------------------------------------------------------------------


def receipt_json_key(raw: bytes, _header: Sequence[str]) -> tuple[str, ...] | None:
    """(receipt_id, order_number, sku) of a line that might be accepted, else None."""
    try:
        return _key(json_record(raw.decode("utf-8")))
    except (Refused, UnicodeDecodeError):
        return None


def receipt_csv_key(raw: bytes, header: Sequence[str]) -> tuple[str, ...] | None:
    """The same of a row."""
    try:
        return _key(csv_record(raw.decode("utf-8"), header))
    except (Refused, UnicodeDecodeError):
        return None


def _key(record: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(text(record.get(name), name) for name in KEY)
