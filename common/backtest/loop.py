"""The closed loop: each day receive, take the snapshot, order, then sell and ship from the snapshot."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from datetime import date, timedelta
from typing import Protocol

import numpy as np
import pyarrow
import pyarrow.compute as pc

from common.backtest.sales import Sales
from common.backtest.stock import Stock


@dataclass(frozen=True)
class Lines:
    """Order lines of one day, SKU by place; units, days due (ordinals), why so many, cost of a unit in cents, supplier."""

    at: np.ndarray
    units: np.ndarray
    due: np.ndarray
    moq_excess: np.ndarray
    pack_excess: np.ndarray
    other_excess: np.ndarray
    cents: np.ndarray
    supplier: pyarrow.Array

    @classmethod
    def joined(cls, parts: Sequence[Lines]) -> Lines:
        """The lines of several parts of a day, of which there is at least one."""
        numbers = [each.name for each in fields(cls) if each.name != "supplier"]
        columns = {name: np.concatenate([getattr(part, name) for part in parts]) for name in numbers}
        return cls(**columns, supplier=pyarrow.concat_arrays([part.supplier for part in parts]))


class Decider(Protocol):
    """Decides what is ordered on a day, from the morning's stock and the day's demand."""

    def decide(self, day: date, stock: Stock, demand: np.ndarray) -> Lines: ...


@dataclass(frozen=True)
class Period:
    """The days of a backtest: those that count, and the warm-up before them."""

    first: date
    last: date
    warm_up: int = 28

    @property
    def begin(self) -> date:
        """First day of the warm-up."""
        return self.first - timedelta(days=self.warm_up)

    def all_days(self) -> list[date]:
        """Every day from the warm-up's first to the last."""
        return [date.fromordinal(n) for n in range(self.begin.toordinal(), self.last.toordinal() + 1)]


@dataclass(frozen=True)
class Tally:
    """What one scenario did on the days that count. Units and SKU-days are whole numbers, values are cents.

    stock_unit_days, stock_cent_days  units (and their cost) at the end of each day, added up
    """

    days: int
    demand: int = 0
    met: int = 0
    short_sku_days: int = 0
    empty_sku_days: int = 0
    stock_unit_days: int = 0
    stock_cent_days: int = 0
    orders: int = 0
    lines: int = 0
    units: int = 0
    moq_excess: int = 0
    pack_excess: int = 0
    other_excess: int = 0
    left_units: int = 0
    left_cents: int = 0
    coming_cents: int = 0


class Books:
    """Adds up the tallies of all scenarios, day by day."""

    def __init__(self, scenarios: int, skus: int, cents: np.ndarray) -> None:
        """`cents`: purchase cost of a unit of each SKU, by which stock is valued."""
        self._shape, self._cents, self._days = (scenarios, skus), cents, 0
        self._sums: dict[str, np.ndarray] = {}

    def day(self, stock: Stock, demand: np.ndarray, met: np.ndarray, lines: Lines) -> None:
        """Counts one day, after it has shipped."""
        self._days += 1
        for what, numbers in {
            "demand": demand, "met": met, "short_sku_days": demand > met, "empty_sku_days": stock.on_hand == 0,
            "stock_unit_days": stock.on_hand, "stock_cent_days": stock.on_hand * self._cents,
        }.items():  # fmt: skip
            self._add(what, numbers.reshape(self._shape).sum(axis=1))
        scenario = lines.at // self._shape[1]
        for what, numbers in {
            "lines": np.ones_like(lines.units), "units": lines.units, "moq_excess": lines.moq_excess,
            "pack_excess": lines.pack_excess, "other_excess": lines.other_excess,
        }.items():  # fmt: skip
            sums = np.zeros(self._shape[0], np.int64)
            np.add.at(sums, scenario, numbers)
            self._add(what, sums)
        suppliers = pc.dictionary_encode(lines.supplier).indices.to_numpy()
        orders = np.unique(np.stack([scenario, suppliers]), axis=1)[0]
        self._add("orders", np.bincount(orders, minlength=self._shape[0]))

    def close(self, stock: Stock) -> list[Tally]:
        """The tallies, with what is left at the end."""
        for what, numbers in {
            "left_units": stock.on_hand, "left_cents": stock.on_hand * self._cents, "coming_cents": stock.on_order * self._cents,
        }.items():  # fmt: skip
            self._sums[what] = numbers.reshape(self._shape).sum(axis=1)
        return [
            Tally(self._days, **{what: int(sums[s]) for what, sums in self._sums.items()}) for s in range(self._shape[0])
        ]

    def _add(self, what: str, sums: np.ndarray) -> None:
        self._sums[what] = self._sums.get(what, 0) + sums


def dense(sales: Sales, day: date, scenarios: int) -> np.ndarray:
    """The day's demand of every SKU, for all scenarios side by side."""
    one = np.zeros(len(sales.skus), np.int64)
    positions, units = sales.of(day)
    one[positions] = units
    return np.tile(one, scenarios)


def simulate(
    period: Period, sales: Sales, scenarios: int, stock: Stock, decider: Decider, cents: np.ndarray,
    *, each_day: Callable[[date, Stock, Lines], None] | None = None,
) -> list[Tally]:  # fmt: skip
    """Runs the loop over the warm-up and the days that count; the tally of each scenario. Units are checked every day."""
    books = Books(scenarios, len(sales.skus), cents)
    names = [f"{sku} (scenario {s})" for s in range(scenarios) for sku in sales.skus]
    for day in period.all_days():
        stock.receive(day.toordinal())
        demand = dense(sales, day, scenarios)
        lines = decider.decide(day, stock, demand)
        stock.order(day.toordinal(), lines.at, lines.units, lines.due)
        met = stock.ship(demand)
        stock.check(names)
        if day >= period.first:
            books.day(stock, demand, met, lines)
        if each_day is not None:
            each_day(day, stock, lines)
    return books.close(stock)
