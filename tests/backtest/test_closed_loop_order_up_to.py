"""order_up_to in the closed loop with the night's SQL on the real Trino, against the same loop in plain Python integers.

Receipts, orders, sales and stock, to the unit, for each SKU and day: coverage, open orders and the window's snapshots all
come from what the loop itself did the days before.
"""

from dataclasses import astuple
from functools import cache

import numpy as np
import pytest
from backtest_world import masters
from coverage_world import CLOSED, DAYS, FIRST, KNOWN, articles, plain_loop, sales, slower

from common.backtest.arm import COLUMNS, MOST, Arm, Scenario
from common.backtest.loop import Period, simulate
from common.backtest.night import NightSql
from common.backtest.policy import policy
from common.backtest.stock import Stock

SCENARIOS = [(articles(), 50), (articles(), 200), (slower(articles()), 100)]
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
        chosen, seen = policy("order_up_to", ["planning.policy=order_up_to"]), []

        def see(day, stock, lines):
            ordered = np.zeros_like(stock.on_hand)
            ordered[lines.at] = lines.units
            seen.append((ordered, stock.on_hand.copy(), stock.on_order.copy(), stock.owed.copy()))

        with NightSql(trino, hdfs, settings["hdfs.warehouse"], chosen.settings, COLUMNS) as night:
            scenarios = [Scenario(masters(world), percent) for world, percent in SCENARIOS]
            most = 40 if unmet == "lost" else MOST  # a day is several statements, or one
            arm = Arm(chosen, scenarios, sales(articles()), night, most=most)
            stock = Watched(arm.opening(unmet).on_hand, unmet)
            cents = np.array([a.cents for world, _ in SCENARIOS for a in world])
            tallies = simulate(PERIOD, sales(articles()), len(SCENARIOS), stock, arm, cents, each_day=see)
        ordered, on_hand, on_order, owed = (np.array(kind) for kind in zip(*seen, strict=True))
        return np.array(stock.came), ordered, np.array(stock.met), on_hand, on_order, owed, tallies

    return run


@cache
def told(unmet):
    """The plain loop's days of every SKU, by scenario."""
    return [plain_loop(world, percent, unmet) for world, percent in SCENARIOS]


@pytest.mark.parametrize("unmet", ["lost", "backordered"])
def test_the_loop_is_that_of_plain_integers(simulated, unmet):
    came, ordered, met, on_hand, on_order, owed, _ = simulated(unmet)
    places = ((s, a, days) for s, (world, _) in enumerate(SCENARIOS) for a, days in zip(world, told(unmet)[s], strict=True))
    for at, (s, article, days) in enumerate(places):
        for d, one in enumerate(days):
            found = [int(kind[d, at]) for kind in (came, ordered, met, on_hand, on_order, owed)]
            expected = [one.received, one.ordered, one.met, one.on_hand, one.on_order, one.owed]
            assert found == expected, (article.sku, SCENARIOS[s][1], DAYS[d])


@pytest.mark.parametrize("unmet", ["lost", "backordered"])
def test_units_are_conserved_for_each_sku_and_day(simulated, unmet):
    came, ordered, met, on_hand, on_order, owed, _ = simulated(unmet)
    opening = np.array([-(-a.safety * percent // 100) for world, percent in SCENARIOS for a in world])
    demand = np.tile(np.array([a.sold[KNOWN.index(FIRST) :] for a in articles()]).T, len(SCENARIOS))
    before = np.vstack([opening, on_hand[:-1]])
    owed_before = np.vstack([np.zeros_like(opening), owed[:-1]])
    late = before + came - met - on_hand  # what was shipped and was not asked for today
    assert (late >= 0).all()
    assert (late == (0 if unmet == "lost" else owed_before + demand - met - owed)).all()
    assert (on_order == np.cumsum(ordered - came, axis=0)).all()
    assert (demand >= met).all() and (on_hand >= 0).all() and (on_order >= 0).all()


@pytest.mark.parametrize("unmet", ["lost", "backordered"])
def test_the_tallies_are_those_of_the_days_that_count(simulated, unmet):
    for s, tally in enumerate(simulated(unmet)[-1]):
        of_skus = told(unmet)[s]
        days = [day for of_sku in of_skus for day in of_sku[6:]]
        assert tally.days == 9
        assert tally.met == sum(day.met for day in days)
        assert tally.units == sum(day.ordered for day in days)
        assert tally.lines == sum(day.ordered > 0 for day in days)
        assert tally.stock_unit_days == sum(day.on_hand for day in days)
        assert tally.coming_cents == sum(
            of_sku[-1].on_order * a.cents for of_sku, a in zip(of_skus, SCENARIOS[s][0], strict=True)
        )


def test_the_small_world_holds_what_the_policy_is_about():
    days = [day for of_skus in told("lost") for of_sku in of_skus for day in of_sku]
    assert sum(day.ordered > 0 and day.on_order > day.ordered for day in days) > 20  # ordered beside open orders
    assert sum(day.ordered == 0 and day.on_order > 0 for day in days) > 100  # and not ordered because of them
    assert sum(day.lost > 0 for day in days) > 50
    assert any(a.safety == 0 and any(a.sold) for a in articles())  # too few days in stock: the formula decides
    assert any(max(a.sold) > max(10, 2 * sorted(a.sold)[-3]) for a in articles())  # a spike that is capped
    assert all(sum(a.sold[KNOWN.index(day)] for a in articles()) == 0 for day in CLOSED)
    assert len({astuple(day) for day in days}) > 300
