"""Which SKUs a backtest follows, and of the others how many there are and why each is left out.

Left out is what no policy could order (the night's own SQL says so, asked with a shelf that lacks one unit), and what
nobody bought from the start of the earliest demand that a policy looks at to the last day: it begins with exactly its
safety stock and so never has a need. tests/backtest/ asks the SQL about these, too.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np

from common.backtest.arm import COLUMNS, Arm
from common.backtest.loop import Period
from common.backtest.masters import SETS, Masters, ParameterSet, derived, read_masters
from common.backtest.night import NightSql
from common.backtest.policy import policy
from common.backtest.sales import Sales, read_sales
from common.backtest.stock import Stock
from common.clients.hdfs import Hdfs
from common.clients.trino import Trino
from common.errors import NoInput
from common.inbox.retailer import Retailer
from common.settings import Settings

LOOKS_BACK = 28  # days of demand before the warm-up that a policy may look at
IDLE = "not sold in the period"


@dataclass(frozen=True)
class World:
    """The part of the year that a backtest plays: the SKUs it follows (`keep` marks them in the assortment).

    cents     purchase cost of a unit of each SKU followed
    left_out  how many SKUs of the assortment are not followed, by reason
    """

    period: Period
    assortment: Sales
    sales: Sales
    keep: np.ndarray
    cents: np.ndarray
    left_out: dict[str, int]
    idle: np.ndarray
    _given: dict
    _book: np.ndarray

    def masters(self, kind: ParameterSet, keep: np.ndarray | None = None) -> Masters:
        """The master data of a parameter set, safety stocks for the SKUs followed (or those of a mask)."""
        past = [day for day in self.assortment.by_day if day < self.period.begin]
        days = (self.period.begin - min(past)).days if past else 1
        whole = derived(self._given, kind, self._book, self.assortment.total(past), days)
        return Masters(whole.tables, whole.book_safety[self.keep if keep is None else keep])


def read_world(settings: Settings, trino: Trino, hdfs: Hdfs, period: Period) -> World:
    """Reads the year and asks the night's SQL which SKUs can be ordered at all."""
    retailer = Retailer(settings)
    first, last = retailer.days()
    if not (first + timedelta(days=LOOKS_BACK) <= period.begin and period.last <= last):
        earliest = first + timedelta(days=LOOKS_BACK + period.warm_up)
        raise NoInput(
            f"the retailer's year has no backtest {period.first}..{period.last} with {period.warm_up} days of warm-up",
            next=f"a range from {earliest} to {last}",
        )
    sales = read_sales(retailer, first, period.last)
    given = read_masters(retailer)
    book = retailer.query("select safety_stock from assortment order by sku")["safety_stock"].to_numpy()
    everybody = World(period, sales, sales, np.ones(len(sales.skus), bool), np.zeros(0), {}, np.zeros(0), given, book)
    orderable, cents, reasons = _orderable(settings, trino, hdfs, everybody)
    window = [day for day in sales.by_day if day >= period.begin - timedelta(days=LOOKS_BACK)]
    moves = sales.total(window) > 0
    left_out = {**reasons, IDLE: int((orderable & ~moves).sum())}
    keep = orderable & moves
    return World(period, sales, sales.only(keep), keep, cents[keep], left_out, orderable & ~moves, given, book)


def _orderable(settings: Settings, trino: Trino, hdfs: Hdfs, world: World) -> tuple[np.ndarray, np.ndarray, Counter]:
    """For each SKU whether the night would order it if it lacked something, its cost, and why it would not (how many)."""
    skus = world.sales.skus
    plain = policy("formula", [])
    with NightSql(trino, hdfs, settings["hdfs.warehouse"], plain.settings, COLUMNS) as night:
        arm = Arm(plain, world.masters(SETS["demo"]), world.sales, [100], night, every_sku=True)
        lacking = Stock(np.full(len(skus), -1))
        day: date = world.period.first
        night.put(day, arm.tables(np.arange(len(skus)), lacking, np.zeros(len(skus), np.int64)))
        found = {sku.partition("|")[2]: (outcome, cents) for sku, outcome, cents in night.outcomes(day)}
    orderable = np.array([found[sku][0] == "ordered" for sku in skus])
    cents = np.array([found[sku][1] or 0 for sku in skus], np.int64)
    return orderable, cents, Counter(outcome for outcome, _ in found.values() if outcome != "ordered")
