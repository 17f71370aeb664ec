"""A small network for the closed loop of order_up_to, and that loop a second time in plain Python integers.

Written from docs/planning.md, without a look at the SQL or at the loop's own arrays: one SKU after the other, its history
as dictionaries by day, its shipments on the way as a list of deliveries.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field, replace
from datetime import date, timedelta

import numpy as np
from backtest_world import Article

from common.backtest.sales import Sales

FIRST, COUNT, WINDOW, FEWEST = date(2017, 10, 2), 15, 28, 7  # 6 days of warm-up and 9 that count; as in conf/settings.yml
DAYS = [FIRST + timedelta(days=n) for n in range(COUNT)]
KNOWN = [FIRST + timedelta(days=n) for n in range(-WINDOW, COUNT)]  # the days of which the demand is known
CLOSED = {FIRST - timedelta(days=9), FIRST + timedelta(days=5)}  # nobody sells anything: the stores are closed


def articles(count: int = 24, seed: int = 11) -> list[Article]:
    """SKUs from unsold to fast, some with a spike, some that begin with an empty shelf; `sold` is by day of KNOWN."""
    draw = random.Random(seed)
    made = []
    for n in range(count):
        mean = (0, 1, 4, 30)[n % 4]
        sold = [0 if day in CLOSED or not mean else draw.choice([0, mean, 2 * mean, draw.randint(0, mean)]) for day in KNOWN]
        if n % 3 == 1 and mean:
            at = draw.randint(WINDOW - 8, WINDOW + 4)  # after one closed day and before the other
            sold[at] += 12 * mean + 15
        pack = draw.choice([1, 6, 25])
        made.append(
            Article(
                f"C{n:02d}", pack, draw.choice([1, pack, pack * 2 + 1]), draw.choice([0, 1, 2, 5, 9]),
                draw.choice([0, 1, 4, 40]), 100 + n, f"S{n % 3}", draw.random() < 0.7, tuple(sold),
            )
        )  # fmt: skip
    return made


def slower(world: list[Article]) -> list[Article]:
    """The same SKUs and demand on other terms, as another set of parameters has them."""
    return [replace(a, pack=2 * a.pack, moq=4 * a.pack, lead=2 * a.lead + 1, safety=a.safety + 3) for a in world]


def sales(world: list[Article]) -> Sales:
    """The demand of a world on all days of KNOWN."""
    units = np.array([a.sold for a in world], np.int64)
    by_day = {day: (np.flatnonzero(units[:, n]), units[units[:, n] > 0, n]) for n, day in enumerate(KNOWN)}
    return Sales([a.sku for a in world], {day: found for day, found in by_day.items() if len(found[0])})


@dataclass
class Day:
    """One SKU on one day: what came, was ordered, was shipped at once and late, was lost, and what there is in the evening."""

    received: int
    ordered: int
    met: int
    late: int
    lost: int
    on_hand: int
    on_order: int
    owed: int


@dataclass
class Shelf:
    """One SKU of the plain loop."""

    on_hand: int
    owed: int = 0
    coming: list[tuple[date, int]] = field(default_factory=list)  # the morning of a delivery, its units
    mornings: dict[date, int] = field(default_factory=dict)  # units free at the snapshot of a day

    def receive(self, day: date) -> int:
        units = sum(n for morning, n in self.coming if morning == day)
        self.coming = [(morning, n) for morning, n in self.coming if morning != day]
        self.on_hand += units
        return units

    def ship(self, demand: int, unmet: str) -> tuple[int, int, int]:
        """Unit by unit: nobody could count this wrong. Units shipped at once, late, and lost."""
        met = late = lost = 0
        for _ in range(self.owed):
            if self.on_hand:
                self.on_hand, self.owed, late = self.on_hand - 1, self.owed - 1, late + 1
        for _ in range(demand):
            if self.on_hand:
                self.on_hand, met = self.on_hand - 1, met + 1
            elif unmet == "backordered":
                self.owed += 1
            else:
                lost += 1
        return met, late, lost


def plain_need(article: Article, safety: int, shelf: Shelf, day: date, open_days: set[date]) -> int:
    """Coverage up to the next delivery and open orders together; with too few days to judge by, the formula."""
    sold = dict(zip(KNOWN, article.sold, strict=True))
    free = shelf.on_hand - shelf.owed
    window = [day - timedelta(days=n) for n in range(1, WINDOW + 1)]
    counted = [past for past in window if past in open_days and shelf.mornings[max(past, FIRST)] > 0]
    if len(counted) < FEWEST:
        return max(0, sold[day] + safety - free)
    third = sorted((sold[past] for past in window), reverse=True)[2]
    demand = sum(min(sold[past], max(10, 2 * third)) for past in counted)
    covered = demand * (article.lead + 1)  # what is ordered tomorrow is due a day later
    required = covered // len(counted) + (1 if covered % len(counted) else 0)
    return max(0, required + safety - free - sum(n for _, n in shelf.coming))


def plain_loop(world: list[Article], percent: int, unmet: str) -> list[list[Day]]:
    """What becomes of each SKU on each of DAYS."""
    open_days = {day for n, day in enumerate(KNOWN) if any(a.sold[n] for a in world)}
    told = []
    for article in world:
        safety = -(-article.safety * percent // 100)
        shelf, days = Shelf(safety), []
        for day in DAYS:
            received = shelf.receive(day)
            shelf.mornings[day] = shelf.on_hand - shelf.owed
            need, ordered = plain_need(article, safety, shelf, day, open_days), 0
            if need:
                ordered = -(-max(need, article.moq) // article.pack) * article.pack
                shelf.coming.append((day + timedelta(days=max(article.lead, 1)), ordered))
            met, late, lost = shelf.ship(article.sold[KNOWN.index(day)], unmet)
            on_order = sum(n for _, n in shelf.coming)
            days.append(Day(received, ordered, met, late, lost, shelf.on_hand, on_order, shelf.owed))
        told.append(days)
    return told
