"""A small network for tests of the closed loop, and the loop a second time in plain Python integers, one SKU after the other."""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

import numpy as np
import pyarrow

from common.backtest.masters import Masters, staged
from common.backtest.sales import Sales

FIRST = date(2017, 10, 2)
DAYS = [FIRST + timedelta(days=n) for n in range(9)]


@dataclass(frozen=True)
class Article:
    """Terms of one SKU and what it sells on each of DAYS."""

    sku: str
    pack: int
    moq: int
    lead: int
    safety: int
    cents: int
    supplier: str
    has_rule_safety: bool
    sold: tuple[int, ...]


def articles(count: int = 14, seed: int = 5) -> list[Article]:
    """Fast, slow and unsold SKUs of three suppliers, the same in every run."""
    draw = random.Random(seed)
    made = []
    for n in range(count):
        mean = (0, 1, 3, 20)[n % 4]
        sold = tuple(draw.choice([0, 0, mean, 2 * mean]) if mean else 0 for _ in DAYS)
        pack = draw.choice([1, 6, 12])
        made.append(
            Article(
                f"A{n:02d}", pack, draw.choice([1, pack, pack * 2 + 1]), draw.choice([0, 1, 2, 5]), draw.choice([1, 4, 15]),
                100 + n, f"S{n % 3}", draw.random() < 0.7, sold,
            )
        )  # fmt: skip
    return made


def sales(world: list[Article]) -> Sales:
    """The demand of a world."""
    by_day = {}
    for n, day in enumerate(DAYS):
        units = np.array([a.sold[n] for a in world], np.int64)
        by_day[day] = (np.flatnonzero(units), units[units > 0])
    return Sales([a.sku for a in world], by_day)


def masters(world: list[Article]) -> Masters:
    """The master data of a world; where a rule sets no safety stock, the warehouses' own counts."""
    suppliers = sorted({a.supplier for a in world})
    tables = {
        "products": {"sku": [a.sku for a in world], "name": [""] * len(world), "pack_size": [a.pack for a in world],
                     "status": ["active"] * len(world)},
        "suppliers": {"supplier_id": suppliers, "name": suppliers, "is_active": [True] * len(suppliers),
                      "lead_time_days": [9] * len(suppliers), "currency": ["USD"] * len(suppliers)},
        "replenishment_rules": {"sku": [a.sku for a in world], "moq": [a.moq for a in world],
                                "safety_stock": [a.safety if a.has_rule_safety else None for a in world]},
        "product_suppliers": {"sku": [a.sku for a in world], "supplier_id": [a.supplier for a in world],
                              "priority": [1] * len(world), "valid_from": [date(2017, 1, 1)] * len(world),
                              "valid_to": pyarrow.nulls(len(world)), "pack_size": pyarrow.nulls(len(world)),
                              "moq": pyarrow.nulls(len(world)),
                              "unit_cost": [Decimal(a.cents).scaleb(-2) for a in world], "currency": pyarrow.nulls(len(world)),
                              "lead_time_days": [a.lead for a in world]},
    }  # fmt: skip
    made = {name: staged(name, pyarrow.table(columns)) for name, columns in tables.items()}
    return Masters(made, np.array([a.safety for a in world], np.int64))


@dataclass
class Told:
    """What the plain loop says of one SKU: stock after each day, its orders by day, and of these what only MOQ and pack added."""

    on_hand: list[int]
    orders: dict[date, int]
    met: int = 0
    short_days: int = 0
    for_moq: int = 0
    for_pack: int = 0
    on_order: int = 0


def plain_loop(article: Article, percent: int, unmet: str) -> Told:
    """The formula over DAYS in plain integers: receive, snapshot, order, ship."""
    safety = -(-article.safety * percent // 100)
    on_hand, owed, coming, told = safety, 0, {}, Told([], {})
    for n, day in enumerate(DAYS):
        on_hand += coming.pop(day, 0)
        demand = article.sold[n]
        need = demand + safety - (on_hand - owed)
        if need > 0:
            lifted = max(need, article.moq)
            units = -(-lifted // article.pack) * article.pack
            told.for_moq, told.for_pack = told.for_moq + lifted - need, told.for_pack + units - lifted
            due = day + timedelta(days=max(article.lead, 1))
            coming[due] = coming.get(due, 0) + units
            told.orders[day] = units
        for _ in range(owed):  # unit by unit: nobody could count this wrong
            if on_hand:
                on_hand, owed = on_hand - 1, owed - 1
        met = 0
        for _ in range(demand):
            if on_hand:
                on_hand, met = on_hand - 1, met + 1
            elif unmet == "backordered":
                owed += 1
        told.met, told.short_days = told.met + met, told.short_days + (met < demand)
        told.on_hand.append(on_hand)
    told.on_order = sum(coming.values())
    return told
