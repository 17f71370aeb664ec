"""The receiving side of `generate`: what the warehouses book of the orders that were exported, and its faults.

Nothing is invented here but how the goods come: the order files of the output directory say what was ordered. Most lines
come whole on their due date; some in two parts, some late, some with too much, some are cancelled, a few never come.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import numpy as np

from common.inbox.draw import Draw
from common.inbox.generate import Plan
from common.inbox.sending import Sender
from common.publish.export import orders_root, published, read_manifest
from common.settings import Settings

FIELDS = ("receipt_id", "order_number", "sku", "quantity", "received_on", "is_final")
_LOOK_BACK_DAYS = 60
_LATER_DAYS = 2  # after its due date: the second part, and what is late

# kind: (field, what it becomes, what becomes of the row); None leaves the value out, a text is written as it is
FAULTS: dict[str, tuple[str, str | None, str]] = {
    "receipt_id_missing": ("receipt_id", None, "rejected"),
    "order_number_unknown": ("order_number", "20010101-NOBODY", "set_aside"),
    "sku_unknown": ("sku", "NO-SUCH-SKU", "rejected"),
    "quantity_missing": ("quantity", None, "rejected"),
    "quantity_fraction": ("quantity", "1.5", "rejected"),
    "quantity_overflow": ("quantity", "99999999999", "rejected"),
    "received_on_future": ("received_on", "2999-01-01", "rejected"),
    "received_on_impossible": ("received_on", "2001-02-30", "rejected"),
    "is_final_missing": ("is_final", None, "rejected"),
    "is_final_word": ("is_final", "perhaps", "rejected"),
    "taken_back": ("quantity", "-1", "accepted"),
    "unreadable": ("", None, "rejected"),
    "duplicate_identical": ("", None, "duplicates"),
    "duplicate_conflicting": ("", None, "rejected"),
}


@dataclass(frozen=True)
class Receipt:
    """One booking; `warehouse` from 0."""

    warehouse: int
    values: dict[str, str]

    def render(self, is_json: bool) -> str:
        """As the warehouse's file has it."""
        if not is_json:
            return ",".join(self.values.get(name, "") for name in FIELDS) + "\n"
        plain = ("quantity", "is_final")
        texts = {k: v if k in plain and v != "perhaps" else json.dumps(v) for k, v in self.values.items()}
        return "{" + ", ".join(f'"{k}": {v}' for k, v in texts.items()) + "}\n"


def send_receipts(settings: Settings, plan: Plan, draw: Draw, *, replace: bool) -> dict[str, Any]:
    """Writes the warehouses' files where anything came; rows by outcome and what was planted."""
    total = {"read": 0, "accepted": 0, "rejected": 0, "set_aside": 0, "duplicates": 0}
    planted: dict[str, int] = {}
    files: dict[str, list[str]] = {}
    for number, receipt in enumerate(_receipts(settings, plan, draw)):
        name, is_json = _file(receipt.warehouse)
        faulty = int(draw.below(1_000_000, "dirty receipt", np.array([number]))[0]) < plan.per_million
        kind = tuple(FAULTS)[sum(planted.values()) % len(FAULTS)] if faulty else ""
        texts, outcome = _planted(receipt, kind, is_json)
        files.setdefault(name, [] if is_json else [",".join(FIELDS) + "\n"]).extend(texts)
        if kind:
            planted[kind] = planted.get(kind, 0) + 1
        for what, rows in outcome.items():
            total[what] += rows
            total["read"] += rows
    if files:
        sender = Sender(settings, "receipts", plan.day, replace=replace)
        sender.expect(files)
        for name, lines in files.items():
            sender.send(name, ["".join(lines).encode()])
    return {"files": len(files), **total, "planted": dict(sorted(planted.items()))}


def _file(warehouse: int) -> tuple[str, bool]:
    """Every second warehouse sends CSV."""
    is_json = warehouse % 2 == 0
    return f"W{warehouse + 1}.{'jsonl' if is_json else 'csv'}", is_json


def _receipts(settings: Settings, plan: Plan, draw: Draw) -> Iterator[Receipt]:
    """What comes on the plan's date, of all orders that were exported before it."""
    for order_number, sku, units, due in _ordered(settings, plan.day):
        chance = int(draw.below(100, f"receipt {order_number} {sku}", np.array([0]))[0])
        warehouse = int(draw.below(plan.warehouses, f"dock {order_number}", np.array([0]))[0])
        days = (plan.day - due).days
        booked = _booked(chance, units, days)
        if booked is None:
            continue
        quantity, is_final = booked
        receipt_id = f"{plan.day:%Y%m%d}-W{warehouse + 1}-{order_number}"
        values = (receipt_id, order_number, sku, str(quantity), str(plan.day), str(is_final).lower())
        yield Receipt(warehouse, dict(zip(FIELDS, values, strict=True)))


def _booked(chance: int, units: int, days: int) -> tuple[int, bool] | None:
    """(units, whether it is final) of a line so many days after its due date, by its lot from 0 to 99; None: nothing comes."""
    if days == 0:
        if chance < 80:
            return units, chance < 60
        if chance < 88 and units > 1:
            return units // 2, False
        if 92 <= chance < 95:
            return units + 1, False
        if 95 <= chance < 97:
            return 0, True
    elif days == _LATER_DAYS:
        if 80 <= chance < 88 and units > 1:
            return units - units // 2, True
        if 88 <= chance < 92 or 80 <= chance < 88:
            return units, False
    return None


def _ordered(settings: Settings, day: date) -> Iterator[tuple[str, str, int, date]]:
    """(order number, SKU, units, due date) of the lines in the order files of earlier dates."""
    root = orders_root(settings)
    for ago in range(_LOOK_BACK_DAYS, 0, -1):
        directory = published(root, day - timedelta(days=ago))
        if directory is None:
            continue
        for entry in read_manifest(directory)["orders"]:
            order = json.loads((directory / entry["file"]).read_text(encoding="utf-8"))
            for line in order["lines"]:
                yield order["order_number"], line["sku"], line["order_qty"], date.fromisoformat(line["due_date"])


def _planted(receipt: Receipt, kind: str, is_json: bool) -> tuple[list[str], dict[str, int]]:
    """The lines of a receipt with a fault, and what becomes of them."""
    clean = receipt.render(is_json)
    if not kind:
        return [clean], {"accepted": 1}
    field, value, outcome = FAULTS[kind]
    if kind == "duplicate_identical":
        return [clean, clean], {"accepted": 1, "duplicates": 1}
    if kind == "duplicate_conflicting":
        other = Receipt(receipt.warehouse, {**receipt.values, "quantity": str(int(receipt.values["quantity"]) + 1)})
        return [clean, other.render(is_json)], {"rejected": 2}
    if kind == "unreadable":
        return [clean.rpartition(",")[0] + "\n"], {"rejected": 1}
    values = {k: v for k, v in receipt.values.items() if k != field}
    if value is not None:
        values = {name: value if name == field else receipt.values[name] for name in FIELDS}
    return [Receipt(receipt.warehouse, values).render(is_json)], {outcome: 1}
