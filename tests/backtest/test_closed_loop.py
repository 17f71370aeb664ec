"""The closed loop with the night's SQL on the real Trino, against the same loop in plain Python: to the unit, SKU and day."""

from functools import cache

import numpy as np
import pytest
from backtest_world import DAYS, articles, masters, plain_loop, sales

from common.backtest.arm import COLUMNS, Arm, Scenario
from common.backtest.loop import Period, Tally, simulate
from common.backtest.night import NightSql
from common.backtest.policy import policy

SHARES = (50, 100, 250)
PERIOD = Period(DAYS[0], DAYS[-1], 0)


@pytest.fixture(scope="module")
def simulated(trino, hdfs, settings):
    """Runs the loop: stock after each day, order lines (day, SKU with its scenario) -> units, and the tallies."""

    @cache
    def run(unmet="lost", shares=SHARES, every_sku=False):
        chosen, stocks, orders, world = policy("formula", []), [], {}, articles()

        def see(day, stock, lines):
            stocks.append(stock.on_hand.copy())
            orders.update({(day, int(at)): int(units) for at, units in zip(lines.at, lines.units, strict=True)})

        with NightSql(trino, hdfs, settings["hdfs.warehouse"], chosen.settings, COLUMNS) as night:
            scenarios = [Scenario(masters(world), percent) for percent in shares]
            arm = Arm(chosen, scenarios, sales(world), night, every_sku=every_sku)
            cents = np.tile([a.cents for a in world], len(shares))
            tallies = simulate(PERIOD, sales(world), len(shares), arm.opening(unmet), arm, cents, each_day=see)
        return np.array(stocks), orders, tallies

    return run


@pytest.mark.parametrize("unmet", ["lost", "backordered"])
def test_the_loop_is_that_of_plain_integers(simulated, unmet):
    world = articles()
    stocks, orders, tallies = simulated(unmet)
    told = {(s, n): plain_loop(a, percent, unmet) for s, percent in enumerate(SHARES) for n, a in enumerate(world)}
    for (s, n), one in told.items():
        at = s * len(world) + n
        assert stocks[:, at].tolist() == one.on_hand, (world[n], SHARES[s])
        assert {day: units for (day, place), units in orders.items() if place == at} == one.orders
    for s, tally in enumerate(tallies):
        of_skus = [told[s, n] for n in range(len(world))]
        costs = [a.cents for a in world]
        suppliers = [{a.supplier for a, one in zip(world, of_skus, strict=True) if day in one.orders} for day in DAYS]
        assert tally == Tally(
            days=len(DAYS),
            demand=sum(sum(a.sold) for a in world),
            met=sum(one.met for one in of_skus),
            short_sku_days=sum(one.short_days for one in of_skus),
            empty_sku_days=sum(one.on_hand.count(0) for one in of_skus),
            stock_unit_days=sum(sum(one.on_hand) for one in of_skus),
            stock_cent_days=sum(sum(one.on_hand) * cost for one, cost in zip(of_skus, costs, strict=True)),
            orders=sum(map(len, suppliers)),
            lines=sum(len(one.orders) for one in of_skus),
            units=sum(sum(one.orders.values()) for one in of_skus),
            moq_excess=sum(one.for_moq for one in of_skus),
            pack_excess=sum(one.for_pack for one in of_skus),
            other_excess=0,
            left_units=sum(one.on_hand[-1] for one in of_skus),
            left_cents=sum(one.on_hand[-1] * cost for one, cost in zip(of_skus, costs, strict=True)),
            coming_cents=sum(one.on_order * cost for one, cost in zip(of_skus, costs, strict=True)),
        )
        assert min(tally.short_sku_days, tally.empty_sku_days, tally.moq_excess, tally.pack_excess, tally.coming_cents) > 0


def test_what_the_sql_is_not_asked_about_would_not_be_ordered(simulated):
    asked_less, asked_all = simulated(), simulated(every_sku=True)
    assert (asked_less[0] == asked_all[0]).all()
    assert asked_less[1:] == asked_all[1:]


def test_a_scenario_does_not_depend_on_those_beside_it(simulated):
    count = len(articles())
    stocks, _, tallies = simulated()
    alone, _, tally = simulated(shares=SHARES[1:2])
    assert (stocks[:, count : 2 * count] == alone).all()
    assert tallies[1] == tally[0]


def test_a_sku_that_nobody_buys_is_never_ordered_and_keeps_its_safety_stock(simulated):
    world = articles()
    stocks, orders, _ = simulated(every_sku=True)
    unsold = [n for n, a in enumerate(world) if not any(a.sold)]
    assert len(unsold) > 1
    for scenario, percent in enumerate(SHARES):
        for n in unsold:
            at = scenario * len(world) + n
            assert not [units for (_, place), units in orders.items() if place == at]
            assert set(stocks[:, at].tolist()) == {-(-world[n].safety * percent // 100)}


def test_nothing_is_left_behind(trino, hdfs, settings):
    """Of one loop: another worker may be in the middle of its own."""
    places = f"{settings['hdfs.warehouse']}/_backtest"

    def left():
        tables = [name for (name,) in trino.rows("show tables from hive.scratch")]
        return night.name in tables, night.name in [entry.name for entry in hdfs.list(places)]

    with NightSql(trino, hdfs, settings["hdfs.warehouse"], policy("formula", []).settings, COLUMNS) as night:
        assert left() == (True, True)
    assert left() == (False, False)
