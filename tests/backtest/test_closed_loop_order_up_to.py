"""order_up_to in the closed loop with the night's SQL on the real Trino, against the same loop in plain Python integers.

Receipts, orders, sales and stock, to the unit, for each SKU and day: coverage, open orders and the window's snapshots all
come from what the loop itself did the days before.
"""

from dataclasses import astuple
from functools import cache

import numpy as np
import pytest
from backtest_world import masters
from coverage_world import CLOSED, DAYS, FIRST, KNOWN, articles, plain_loop, sales

from common.backtest.arm import COLUMNS, Arm
from common.backtest.loop import Period, simulate
from common.backtest.night import NightSql
from common.backtest.policy import policy
from common.backtest.stock import Stock

SHARES = (50, 200)
PERIOD = Period(DAYS[6], DAYS[-1], 6)


class Watched(Stock):
    """The stock of the loop, which also notes what came and what was shipped, by day and place."""

    def __post_init__(self):
        super().__post_init__()
        self.came, self.met = [], []

    def receive(self, day):
        self.came.append(super().receive(day).copy())
        return self.came[-1]

    def ship(self, demand):
        self.met.append(super().ship(demand))
        return self.met[-1]


@pytest.fixture(scope="module")
def simulated(trino, hdfs, settings):
    """Runs the loop; by day and place what came, was ordered, met, on hand, on order and owed, and the tallies."""

    @cache
    def run(unmet):
        chosen, world, seen = policy("order_up_to", ["planning.policy=order_up_to"]), articles(), []

        def see(day, stock, lines):
            ordered = np.zeros_like(stock.on_hand)
            ordered[lines.at] = lines.units
            seen.append((ordered, stock.on_hand.copy(), stock.on_order.copy(), stock.owed.copy()))

        with NightSql(trino, hdfs, settings["hdfs.warehouse"], chosen.settings, COLUMNS) as night:
            arm = Arm(chosen, masters(world), sales(world), list(SHARES), night)
            stock = Watched(arm.opening(unmet).on_hand, unmet)
            cents = np.tile([a.cents for a in world], len(SHARES))
            tallies = simulate(PERIOD, sales(world), len(SHARES), stock, arm, cents, each_day=see)
        ordered, on_hand, on_order, owed = (np.array(kind) for kind in zip(*seen, strict=True))
        return np.array(stock.came), ordered, np.array(stock.met), on_hand, on_order, owed, tallies

    return run


@cache
def told(percent, unmet):
    return plain_loop(articles(), percent, unmet)


@pytest.mark.parametrize("unmet", ["lost", "backordered"])
def test_the_loop_is_that_of_plain_integers(simulated, unmet):
    came, ordered, met, on_hand, on_order, owed, _ = simulated(unmet)
    world = articles()
    for s, percent in enumerate(SHARES):
        for n, days in enumerate(told(percent, unmet)):
            at = s * len(world) + n
            for d, one in enumerate(days):
                found = [int(kind[d, at]) for kind in (came, ordered, met, on_hand, on_order, owed)]
                assert found == [one.received, one.ordered, one.met, one.on_hand, one.on_order, one.owed], (
                    world[n].sku, percent, DAYS[d],
                )  # fmt: skip


@pytest.mark.parametrize("unmet", ["lost", "backordered"])
def test_units_are_conserved_for_each_sku_and_day(simulated, unmet):
    came, ordered, met, on_hand, on_order, owed, _ = simulated(unmet)
    world = articles()
    opening = np.array([-(-a.safety * percent // 100) for percent in SHARES for a in world])
    demand = np.tile(np.array([a.sold[KNOWN.index(FIRST) :] for a in world]).T, len(SHARES))
    before = np.vstack([opening, on_hand[:-1]])
    owed_before = np.vstack([np.zeros_like(opening), owed[:-1]])
    late = before + came - met - on_hand  # what was shipped and was not asked for today
    assert (late >= 0).all()
    assert (late == (0 if unmet == "lost" else owed_before + demand - met - owed)).all()
    assert (on_order == np.cumsum(ordered - came, axis=0)).all()
    assert (demand >= met).all() and (on_hand >= 0).all() and (on_order >= 0).all()


@pytest.mark.parametrize("unmet", ["lost", "backordered"])
def test_the_tallies_are_those_of_the_days_that_count(simulated, unmet):
    world = articles()
    for percent, tally in zip(SHARES, simulated(unmet)[-1], strict=True):
        days = [day for of_sku in told(percent, unmet) for day in of_sku[6:]]
        assert tally.days == 20
        assert tally.met == sum(day.met for day in days)
        assert tally.units == sum(day.ordered for day in days)
        assert tally.lines == sum(day.ordered > 0 for day in days)
        assert tally.stock_unit_days == sum(day.on_hand for day in days)
        coming = zip(told(percent, unmet), world, strict=True)
        assert tally.coming_cents == sum(of_sku[-1].on_order * a.cents for of_sku, a in coming)


def test_the_small_world_holds_what_the_policy_is_about():
    days = [(a, day) for percent in SHARES for a, of in zip(articles(), told(percent, "lost"), strict=True) for day in of]
    assert sum(day.ordered > 0 and day.on_order > day.ordered for _, day in days) > 20  # ordered beside open orders
    assert sum(day.ordered == 0 and day.on_order > 0 for _, day in days) > 100  # and not ordered because of them
    assert sum(day.lost > 0 for _, day in days) > 50
    assert any(a.safety == 0 and any(a.sold) for a in articles())  # too few days in stock: the formula decides
    assert any(max(a.sold) > max(10, 2 * sorted(a.sold)[-3]) for a in articles())  # a spike that is capped
    assert all(sum(a.sold[KNOWN.index(day)] for a in articles()) == 0 for day in CLOSED)
    assert len({astuple(day) for _, day in days}) > 300
