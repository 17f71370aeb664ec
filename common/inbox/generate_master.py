"""The master data of `generate`: names from Faker, terms from integer hashes, written as CSV for load_master.

One supplier for 25 SKUs. Of 100 SKUs 20 have a second supplier that ships in tens, one has none; one is blocked, one runs
out, one has no known pack size; two have no rule. One supplier in 20 is inactive.
"""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

from faker import Faker

from common.inbox.draw import Draw
from common.inbox.generate import Plan, sku_name, store_name

_NAMES = 1500  # different names at most; more SKUs share them, numbered
_VALID_FROM = "2000-01-01"


def master_files(plan: Plan, folder: Path) -> dict[str, Path]:
    """Writes the six tables as CSV into `folder`."""
    faker, draw = Faker("en_US"), Draw(plan.seed)
    faker.seed_instance(plan.seed)
    suppliers = max(4, plan.skus // 25)
    tables = {
        "suppliers": _suppliers(suppliers, faker, draw),
        "products": _products(plan, faker, draw),
        "replenishment_rules": _rules(plan, draw),
        "product_suppliers": _links(plan, suppliers, draw),
        "stores": [("store_id", "name"), *((store_name(n), f"Store {n + 1} {faker.city()}") for n in range(plan.stores))],
        "warehouses": [("warehouse_id", "name"), *((f"W{n + 1}", f"Warehouse {n + 1}") for n in range(plan.warehouses))],
    }
    files = {}
    for table, rows in tables.items():
        files[table] = folder / f"{table}.csv"
        with files[table].open("w", encoding="utf-8", newline="") as out:
            csv.writer(out, lineterminator="\n").writerows(rows)
    return files


def supplier_name(n: int) -> str:
    """The n-th supplier, from 0."""
    return f"GS{n + 1:04d}"


def _suppliers(count: int, faker: Faker, draw: Draw) -> list[tuple[Any, ...]]:
    inactive = draw.below(20, "inactive", range(count)).tolist()
    days = (1 + draw.below(10, "lead time", range(count))).tolist()
    rows: list[tuple[Any, ...]] = [("supplier_id", "name", "is_active", "lead_time_days", "currency", "email")]
    for n in range(count):
        id_ = supplier_name(n)
        is_active = n == 0 or inactive[n] > 0
        rows.append((id_, faker.company(), str(is_active).lower(), days[n], "USD", f"orders@{id_.lower()}.example"))
    return rows


def _products(plan: Plan, faker: Faker, draw: Draw) -> list[tuple[Any, ...]]:
    names = [faker.catch_phrase() for _ in range(min(plan.skus, _NAMES))]
    departments = [faker.bs().split()[-1].title() for _ in range(12)]
    skus = range(plan.skus)
    kind, status = draw.below(100, "pack unknown", skus).tolist(), draw.below(100, "status", skus).tolist()
    packs, department = _packs(plan, draw), draw.below(12, "department", skus).tolist()
    rows: list[tuple[Any, ...]] = [("sku", "name", "department", "category", "base_unit", "pack_size", "status")]
    for n in skus:
        name = names[n % len(names)] + (f" No. {n // len(names) + 1}" if n >= len(names) else "")
        pack = packs[n] if kind[n] else ""
        state = ("blocked", "run_out")[status[n]] if status[n] < 2 else "active"
        rows.append((sku_name(n), name, departments[department[n]], "", "each", pack, state))
    return rows


def _packs(plan: Plan, draw: Draw) -> list[int]:
    choices = (1, 6, 10, 12, 24)
    return [choices[c] for c in draw.below(len(choices), "pack", range(plan.skus)).tolist()]


def _rules(plan: Plan, draw: Draw) -> list[tuple[Any, ...]]:
    skus = range(plan.skus)
    has, packs = draw.below(100, "rule", skus).tolist(), _packs(plan, draw)
    times, odd = draw.below(4, "moq", skus).tolist(), draw.below(10, "moq odd", skus).tolist()
    safety = draw.below(40, "rule safety", skus).tolist()
    rows: list[tuple[Any, ...]] = [("sku", "moq", "safety_stock")]
    for n in skus:
        if has[n] >= 2:
            rows.append((sku_name(n), packs[n] * (1 + times[n]) + (odd[n] == 0), safety[n] if safety[n] else ""))
    return rows


def _links(plan: Plan, suppliers: int, draw: Draw) -> list[tuple[Any, ...]]:
    skus = range(plan.skus)
    nobody, second = draw.below(100, "nobody", skus).tolist(), draw.below(100, "second", skus).tolist()
    first = draw.below(suppliers, "supplier", skus).tolist()
    cents = (49 + draw.below(2950, "price", skus)).tolist()
    share = (55 + draw.below(25, "margin", skus)).tolist()
    header = ("sku", "supplier_id", "priority", "valid_from", "pack_size", "moq", "unit_cost", "lead_time_days")
    rows: list[tuple[Any, ...]] = [header]
    for n in skus:
        if not nobody[n]:
            continue
        cost = max(1, cents[n] * share[n] // 100)
        rows.append((sku_name(n), supplier_name(first[n]), 1, _VALID_FROM, "", "", _money(cost), ""))
        if second[n] < 20:
            other = supplier_name((first[n] + 1) % suppliers)
            rows.append((sku_name(n), other, 2, _VALID_FROM, 10, 10, _money(cost * 108 // 100 + 1), 2))
    return rows


def _money(cents: int) -> str:
    return f"{cents // 100}.{cents % 100:02d}"
