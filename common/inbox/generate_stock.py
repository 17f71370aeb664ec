"""The stock side of `generate`: one CSV a warehouse, and the faults of stock rows."""

from __future__ import annotations

from typing import Any

import numpy as np

from common.inbox.draw import Draw, Whole
from common.inbox.faults import STOCK_FIELDS
from common.inbox.generate import MOST_LINES, MOST_UNITS, Plan, sku_name
from common.inbox.sending import Sender
from common.settings import Settings

# kind: (column, what it becomes, what becomes of the row, the reason); None leaves the value out
FAULTS: dict[str, tuple[str, str | None, str, str]] = {
    "available_missing": ("available", None, "rejected", "available_missing"),
    "available_text": ("available", "plenty", "rejected", "available_invalid"),
    "available_fraction": ("available", "1.5", "rejected", "available_invalid"),
    "available_overflow": ("available", "9" * 30, "rejected", "available_invalid"),
    "available_negative": ("available", "-4", "accepted", ""),
    "reserved_negative": ("reserved", "-4", "rejected", "reserved_invalid"),
    "sku_unknown": ("sku", "NO-SUCH-SKU", "rejected", "sku_unknown"),
    "warehouse_unknown": ("warehouse_id", "NO-SUCH-PLACE", "rejected", "warehouse_id_unknown"),
    "other_business_date": ("snapshot_date", "2001-01-01", "rejected", "other_business_date"),
    "impossible_date": ("snapshot_date", "2001-02-30", "rejected", "snapshot_date_invalid"),
    "too_few_fields": ("", None, "rejected", "wrong_number_of_fields"),
    "duplicate_identical": ("", None, "duplicates", ""),
}


def send_stock(settings: Settings, plan: Plan, draw: Draw, *, replace: bool) -> dict[str, Any]:
    """Writes the files of all warehouses; rows by outcome and what was planted."""
    sender = Sender(settings, "stock", plan.day, replace=replace)
    sender.expect(f"W{w + 1}.csv" for w in range(plan.warehouses))
    total: dict[str, int] = {"accepted": 0, "rejected": 0, "duplicates": 0}
    planted: dict[str, int] = {}
    for warehouse in range(plan.warehouses):
        rows = _rows(plan, draw, warehouse)
        lines = [_line(row) for row in rows]
        faulty = draw.below(1_000_000, f"dirty stock {warehouse}", range(len(rows))) < plan.per_million
        total["accepted"] += len(rows)
        for turn, n in enumerate(np.flatnonzero(faulty).tolist(), 5 * warehouse):
            kind = tuple(FAULTS)[turn % len(FAULTS)]
            lines[n], outcome = _plant(rows[n], kind)
            planted[kind] = planted.get(kind, 0) + 1
            total[outcome] += outcome != "accepted"
            total["accepted"] -= outcome == "rejected"
        sender.send(f"W{warehouse + 1}.csv", [_line(STOCK_FIELDS).encode(), "".join(lines).encode()])
    return {"files": plan.warehouses, "read": sum(total.values()), **total, "planted": dict(sorted(planted.items()))}


def _rows(plan: Plan, draw: Draw, warehouse: int) -> list[tuple[str, ...]]:
    """Seven in ten SKUs are in a warehouse, each in at least one; on hand is a fifth to twice what a day's orders take."""
    skus = np.arange(plan.skus, dtype=np.int64)
    key = skus * 128 + warehouse
    kept = skus[(draw.below(10, "stocked", key) < 7) | (skus % plan.warehouses == warehouse)]
    key = kept * 128 + warehouse
    expected = _expected_units(plan, kept)
    available = expected * (20 + draw.below(200, "available", key)) // 100 // max(1, plan.warehouses * 7 // 10)
    reserved = np.where(draw.below(10, "is reserved", key) == 0, draw.below(20, "reserved", key), 0)
    safety = expected * draw.below(30, "safety", key) // 100
    texts = zip(kept.tolist(), (available + reserved).tolist(), reserved.tolist(), safety.tolist(), strict=True)
    return [(str(plan.day), f"W{warehouse + 1}", sku_name(n), str(a), str(r), str(s)) for n, a, r, s in texts]


def _expected_units(plan: Plan, skus: Whole) -> Whole:
    """Mean units of a day by SKU: the lesser of two numbers is n with a likelihood of 2 (skus - n) in skus squared."""
    mean_units = plan.orders * (MOST_LINES + 1) // 2 * (MOST_UNITS + 4) // 3
    return 2 * (plan.skus - skus) * mean_units // (plan.skus * plan.skus)


def _line(row: tuple[str, ...]) -> str:
    return ",".join(row) + "\n"


def _plant(row: tuple[str, ...], kind: str) -> tuple[str, str]:
    """The row with a fault, and what becomes of it."""
    column, value, outcome, _ = FAULTS[kind]
    if kind == "duplicate_identical":
        return _line(row) * 2, outcome
    if not column:
        return _line(row[:-1]), outcome
    return _line(tuple(value or "" if name == column else old for name, old in zip(STOCK_FIELDS, row, strict=True))), outcome
