"""What policies are compared with: an order-up-to policy by stockpyl, and a bound on the stock that no policy can pass.

stockpyl (MIT) is not among the pipeline's packages: only `backtest --references` needs it, and installs it into the user's
cache folder, with scipy; what it names besides, such as a build tool for documents, it never imports.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from typing import Any

import numpy as np
import pyarrow

from common.backtest.arm import share_of
from common.backtest.loop import Lines, Period, Tally, dense
from common.backtest.sales import Sales
from common.backtest.stock import Stock
from common.extra_packages import extra
from common.settings import ROOT

REQUIREMENTS = ROOT / "conf" / "backtest" / "requirements.txt"
PAST_DAYS = 28  # of demand that the level is made from, today's included
EVERY_DAYS = 7  # how often it is made anew
SERVICE = [80, 90, 95, 98, 99]  # percent, the scenarios


@dataclass(frozen=True)
class Terms:
    """On which terms each SKU is ordered, as the night's SQL chose them."""

    pack: np.ndarray
    moq: np.ndarray
    lead: np.ndarray
    cents: np.ndarray
    supplier: pyarrow.Array

    @classmethod
    def of(cls, terms: pyarrow.Table) -> Terms:
        """From `left_out.read_terms`, all of which can be ordered."""
        pack, moq, lead, cents = (terms[name].to_numpy() for name in ("pack_size", "moq", "lead_time_days", "cost_cents"))
        return cls(pack, moq, lead, cents, terms["supplier_id"].combine_chunks())


def stockpyl() -> Any:
    """The module stockpyl.newsvendor, installed into the user's cache folder at first. Unavailable when that fails."""
    return extra("stockpyl.newsvendor", REQUIREMENTS, next="leave --references out")


class OrderUpTo:
    """Orders what lacks to the base-stock level of a newsvendor with normal demand over lead time and one day, in packs.

    Mean and deviation are those of the last 28 days, the level is made anew every seven days, each for its own service
    level (the share of the stockout cost in both costs), one a scenario. Open orders count; MOQ and packs are the night's.
    """

    def __init__(self, newsvendor: Any, sales: Sales, terms: Terms, service: list[int] = SERVICE) -> None:
        """`service`: service levels of the scenarios in percent, 1 to 99."""
        self._newsvendor, self._sales, self._terms, self._service = newsvendor, sales, terms, service
        self._levels = np.zeros(len(sales.skus) * len(service), np.int64)
        self._made: date | None = None

    def decide(self, day: date, stock: Stock, demand: np.ndarray) -> Lines:
        """The lines of a day."""
        if self._made is None or (day - self._made).days >= EVERY_DAYS:
            self._levels, self._made = self._new_levels(day), day
        need = np.maximum(self._levels - (stock.on_hand + stock.on_order - stock.owed - demand), 0)
        at = np.flatnonzero(need)
        sku = at % len(self._sales.skus)
        t = self._terms
        lifted = np.maximum(need[at], t.moq[sku])
        units = -(-lifted // t.pack[sku]) * t.pack[sku]
        due = day.toordinal() + t.lead[sku]
        return Lines(
            at, units, due, lifted - need[at], units - lifted, np.zeros_like(units), t.cents[sku],
            t.supplier.take(pyarrow.array(sku)),
        )  # fmt: skip

    def _new_levels(self, day: date) -> np.ndarray:
        """The base-stock level of each SKU and scenario from demand up to the day; SKUs with the same past share the work."""
        sums = np.zeros(len(self._sales.skus), np.int64)
        squares = np.zeros_like(sums)
        for back in range(PAST_DAYS):
            at, units = self._sales.of(day - timedelta(days=back))
            sums[at] += units
            squares[at] += units * units
        pasts, which = np.unique(np.stack([sums, squares, self._terms.lead]), axis=1, return_inverse=True)
        levels = [[base_stock(self._newsvendor, *past, service) for past in pasts.T.tolist()] for service in self._service]
        return np.concatenate([np.array(level, np.int64)[which.ravel()] for level in levels])


@cache
def base_stock(newsvendor: Any, total: int, squares: int, lead: int, service: int) -> int:
    """The level for demand that added up to `total` in the past days, and its squares to `squares`; kept for the next week."""
    deviation = math.sqrt((squares - total * total / PAST_DAYS) / (PAST_DAYS - 1))
    if total == 0 or deviation == 0:  # as much every day: no need to be careful
        return math.ceil(total * (lead + 1) / PAST_DAYS)
    level, _ = newsvendor.newsvendor_normal(100 - service, service, total / PAST_DAYS, deviation, lead)
    return max(0, math.ceil(level))


def bounds(
    period: Period, sales: Sales, safety: np.ndarray, pack: np.ndarray, cents: np.ndarray, percents: Iterable[int]
) -> dict[int, Tally]:
    """A bound for each opening stock: for each share of the safety stock, in percent, and the whole, with which stockpyl begins.

    One with another opening stock would say nothing: who begins with a unit and sells it ends the day with none, who begins
    with none and buys a pack of six ends it with five.
    """
    return {percent: bound(period, sales, share_of(safety, percent), pack, cents) for percent in sorted({*percents, 100})}


def bound(period: Period, sales: Sales, opening: np.ndarray, pack: np.ndarray, cents: np.ndarray) -> Tally:
    """The least stock with which all demand can be met in whole packs, by one who knows the future; no policy is meant.

    Until a day it must have bought at least pack x ceil((demand until then - opening stock) / pack) units, so it ends the
    day with at least those and the opening stock, less the demand. Orders and lines are left at 0.
    """
    sold = np.zeros(len(sales.skus), np.int64)
    sums = dict.fromkeys(("demand", "stock_unit_days", "stock_cent_days", "empty_sku_days", "units"), 0)
    bought = np.zeros_like(sold)
    for day in period.all_days():
        demand = dense(sales, day, 1)
        sold += demand
        before, bought = bought, -(-np.maximum(sold - opening, 0) // pack) * pack
        if day >= period.first:
            left = opening + bought - sold
            sums["demand"] += int(demand.sum())
            sums["units"] += int((bought - before).sum())
            sums["stock_unit_days"] += int(left.sum())
            sums["stock_cent_days"] += int((left * cents).sum())
            sums["empty_sku_days"] += int((left == 0).sum())
    left = opening + bought - sold
    return Tally(
        (period.last - period.first).days + 1, met=sums["demand"], left_units=int(left.sum()),
        left_cents=int((left * cents).sum()), **sums,
    )  # fmt: skip
