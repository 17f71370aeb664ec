"""Which SKUs a backtest follows, and of the others how many there are and why each is left out.

Left out is what no policy could order (the night's own SQL says so, asked with a shelf that lacks one unit), and what
nobody bought from the start of the earliest demand that a policy looks at to the last day: it begins with exactly its
safety stock and so never has a need. tests/backtest/ asks the SQL about these, too.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import timedelta

import numpy as np
import pyarrow
import pyarrow.compute as pc

from common.backtest.arm import COLUMNS, Arm, Scenario
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
    _given: dict[str, pyarrow.Table]
    _book: np.ndarray

    def masters(self, kind: ParameterSet) -> Masters:
        """The master data of a parameter set, with the safety stocks of the SKUs followed."""
        past = [day for day in self.assortment.by_day if day < self.period.begin]
        days = (self.period.begin - min(past)).days if past else 1
        whole = derived(self._given, kind, self._book, self.assortment.total(past), days)
        return Masters(whole.tables, whole.book_safety[self.keep])


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
    all_skus = np.ones(len(sales.skus), bool)
    everybody = World(period, sales, sales, all_skus, all_skus.astype(np.int64), {}, given, book)
    terms = read_terms(settings, trino, hdfs, everybody, SETS["demo"])
    orderable = pc.equal(terms["outcome"], "ordered").to_numpy()
    cents = pc.fill_null(terms["cost_cents"], 0).to_numpy()
    reasons = Counter(outcome for outcome in terms["outcome"].to_pylist() if outcome != "ordered")
    window = [day for day in sales.by_day if day >= period.begin - timedelta(days=LOOKS_BACK)]
    moves = sales.total(window) > 0
    left_out = {**reasons, IDLE: int((orderable & ~moves).sum())}
    keep = orderable & moves
    return World(period, sales, sales.only(keep), keep, cents[keep], left_out, given, book)


def read_terms(settings: Settings, trino: Trino, hdfs: Hdfs, world: World, kind: ParameterSet) -> pyarrow.Table:
    """What the night's SQL would do with each SKU of the world if it lacked something, in the order of its SKUs."""
    skus = world.sales.skus
    plain = policy("formula", [])
    with NightSql(trino, hdfs, settings["hdfs.warehouse"], plain.settings, COLUMNS) as night:
        arm = Arm(plain, [Scenario(world.masters(kind))], world.sales, night, every_sku=True)
        lacking = Stock(np.full(len(skus), -1))
        night.put(world.period.first, arm.tables(np.arange(len(skus)), lacking, np.zeros(len(skus), np.int64)))
        return night.terms(world.period.first).sort_by("sku")
