"""What policies are compared with: the bound by hand, and the order-up-to loop against stockpyl's own simulation."""

from datetime import date, timedelta

import numpy as np
import pyarrow
import pytest
from backtest_world import DAYS, articles, sales

from common.backtest import reference
from common.backtest.loop import Period, simulate
from common.backtest.sales import Sales
from common.backtest.stock import Stock

PERIOD = Period(DAYS[0], DAYS[0] + timedelta(days=19), 0)


@pytest.fixture(scope="module")
def newsvendor():
    """stockpyl, installed as the command installs it."""
    return reference.stockpyl()


def one_sku(sold):
    """Sales of one SKU on the days from DAYS[0]."""
    return Sales(["A"], {DAYS[0] + timedelta(days=n): (np.array([0]), np.array([q])) for n, q in enumerate(sold) if q})


def terms(pack=1, moq=1, lead=2):
    column = [np.array([n], np.int64) for n in (pack, moq, lead, 250)]
    return reference.Terms(*column, pyarrow.array(["S"]))


def test_the_bound_buys_a_pack_when_the_last_unit_would_not_do():
    least = reference.bound(
        Period(DAYS[0], DAYS[3], 0), one_sku([1, 2, 0, 4]), np.array([2]), np.array([6]), np.array([250])
    )
    # 2 - 1, then a pack: 7 - 2 = 5 ... 5, then 1
    assert (least.units, least.stock_unit_days, least.left_units, least.left_cents) == (6, 1 + 5 + 5 + 1, 1, 250)
    assert (least.demand, least.met, least.empty_sku_days) == (7, 7, 0)


def test_each_opening_stock_has_a_bound_of_its_own():
    period, sold = Period(DAYS[0], DAYS[1], 0), one_sku([1])
    least = reference.bounds(period, sold, np.array([1]), np.array([6]), np.array([250]), [0, 250])
    # none: a pack of six, five are left; one: it is sold; three (250 %, rounded up): two are left
    assert {percent: (tally.units, tally.left_units) for percent, tally in least.items()} == {0: (6, 5), 100: (0, 0), 250: (0, 2)}


def test_nobody_who_meets_all_demand_holds_less_than_the_bound():
    world = articles()
    opening, pack = np.array([60] * len(world)), np.array([a.pack for a in world])
    cents = np.array([a.cents for a in world])

    class Careful:
        """Tops everything up to 400 and more at once, in packs, in time for the next morning."""

        def decide(self, day, stock, demand):
            at = np.arange(len(world))
            units = -(-np.maximum(400 - stock.on_hand - stock.on_order, 0) // pack) * pack
            nothing = np.zeros_like(units)
            supplier = pyarrow.array(["S"] * len(world))
            return reference.Lines(at, units, np.full(len(world), day.toordinal()), nothing, nothing, nothing, cents, supplier)

    tally = simulate(PERIOD, sales(world), 1, Stock(opening), Careful(), cents)[0]
    least = reference.bound(PERIOD, sales(world), opening, pack, cents)
    assert tally.met == tally.demand == least.demand > 0
    assert tally.stock_unit_days >= least.stock_unit_days
    assert tally.stock_cent_days >= least.stock_cent_days


def test_the_level_knows_nothing_of_tomorrow(newsvendor):
    sold = [3, 0, 5, 2, 8, 1, 0, 4, 6, 2]
    today = DAYS[0] + timedelta(days=6)
    known = reference.OrderUpTo(newsvendor, one_sku(sold), terms(), [95])._new_levels(today)
    other = reference.OrderUpTo(newsvendor, one_sku([*sold[:7], 900, 900, 900]), terms(), [95])._new_levels(today)
    assert known.tolist() == other.tolist()
    assert reference.OrderUpTo(newsvendor, one_sku([*sold[:6], 9]), terms(), [95])._new_levels(today).tolist() != known.tolist()


def test_more_service_means_a_higher_level(newsvendor):
    levels = reference.OrderUpTo(newsvendor, one_sku([3, 0, 5, 2, 8, 1, 0]), terms(), [80, 95, 99])._new_levels(DAYS[6])
    assert levels[0] < levels[1] < levels[2]


@pytest.mark.parametrize("lead", [1, 2, 5])
def test_the_loop_is_that_of_stockpyl(newsvendor, lead):
    from stockpyl.sim import simulation
    from stockpyl.supply_chain_network import single_stage_system

    sold = [3, 0, 5, 2, 8, 1, 0, 4, 6, 2, 0, 0, 9, 1, 3, 7, 2, 0, 5, 4]
    level = 8  # at times too low: what is owed must agree, too

    class Fixed(reference.OrderUpTo):
        def _new_levels(self, day):
            return np.array([level])

    seen = []

    def see(day, stock, lines):
        seen.append((int(stock.on_hand[0] - stock.owed[0]), int(lines.units.sum())))

    fixed = Fixed(newsvendor, one_sku(sold), terms(lead=lead), [95])
    simulate(PERIOD, one_sku(sold), 1, Stock(np.array([level]), "backordered"), fixed, np.array([1]), each_day=see)
    network = single_stage_system(
        holding_cost=1, stockout_cost=10, demand_type="D", demand_list=sold, shipment_lead_time=lead, policy_type="BS",
        base_stock_level=level,
    )  # fmt: skip
    simulation(network, len(sold), progress_bar=False)
    states = network.nodes[0].state_vars[: len(sold)]
    told = [(int(*state.inventory_level.values()), int(*state.order_quantity_fg.values())) for state in states]
    assert seen == told
    assert min(on_hand for on_hand, _ in seen) < 0


def test_the_year_begins_where_it_should():
    assert Period(date(2017, 10, 1), date(2017, 12, 29)).begin == date(2017, 9, 3)
    assert len(Period(date(2017, 10, 1), date(2017, 12, 29)).all_days()) == 118
