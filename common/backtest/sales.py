"""What the real year sold, by SKU and day: the demand of a backtest, straight from the source.

It is what staging accepts of the raw files (units above zero of SKUs that master data knows), so the stages before
`net_demand` are left out; tests/backtest/ proves the equality on days that were really staged.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

import numpy as np
import pyarrow
import pyarrow.compute as pc

from common.inbox.retailer import Retailer

Counts = np.ndarray  # int64, one number a SKU


@dataclass(frozen=True)
class Sales:
    """Units sold of each SKU (`skus`, sorted) on each day: positions of the SKUs that sold, and their units."""

    skus: list[str]
    by_day: dict[date, tuple[np.ndarray, np.ndarray]]

    def of(self, day: date) -> tuple[np.ndarray, np.ndarray]:
        """Positions and units of one day; both empty on a day without sales."""
        nothing = np.zeros(0, np.int64)
        return self.by_day.get(day, (nothing, nothing))

    def total(self, days: Iterable[date]) -> Counts:
        """Units of each SKU over days."""
        sums = np.zeros(len(self.skus), np.int64)
        for day in days:
            positions, units = self.of(day)
            sums[positions] += units
        return sums

    def only(self, keep: np.ndarray) -> Sales:
        """The sales of some SKUs alone; `keep` is a mask."""
        place = np.cumsum(keep) - 1
        by_day = {day: (place[at[keep[at]]], units[keep[at]]) for day, (at, units) in self.by_day.items()}
        return Sales([sku for sku, kept in zip(self.skus, keep, strict=True) if kept], by_day)


def read_sales(retailer: Retailer, first: date, last: date) -> Sales:
    """The sales of every SKU of the assortment from `first` to `last`, both included."""
    skus = retailer.query("select sku from assortment order by sku")["sku"].to_pylist()
    rows = retailer.query(
        "select sku, business_date, cast(sum(quantity) as bigint) as units from order_lines "
        f"join (select sku from assortment) using (sku) where quantity > 0 and business_date between '{first}' and '{last}' "
        "group by all order by business_date, sku"
    )
    return of_rows(skus, rows)


def of_rows(skus: list[str], rows: pyarrow.Table) -> Sales:
    """Sales from a table (sku, business_date, units) with at most one row a SKU and day, sorted by day."""
    positions = pc.index_in(rows["sku"], pyarrow.array(skus)).to_numpy().astype(np.int64)
    units = rows["units"].to_numpy()
    days = rows["business_date"].to_numpy()
    starts = np.flatnonzero(np.r_[True, days[1:] != days[:-1]]) if len(days) else np.zeros(0, np.int64)
    by_day = {}
    for start, end in zip(starts, np.r_[starts[1:], len(days)], strict=True):
        by_day[days[start].astype("datetime64[D]").item()] = (positions[start:end], units[start:end])
    return Sales(skus, by_day)
