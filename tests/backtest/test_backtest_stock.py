"""The warehouse of a backtest: no unit is lost or made, whatever happens in whatever order."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.backtest.stock import Stock
from common.errors import Failure

few = st.integers(0, 30)
an_order = st.tuples(st.integers(0, 2), few, st.integers(0, 4))
a_day = st.tuples(st.lists(few, min_size=3, max_size=3), st.lists(an_order, max_size=4))


@given(st.lists(few, min_size=3, max_size=3), st.lists(a_day, max_size=12), st.sampled_from(["lost", "backordered"]))
def test_units_of_each_sku_are_conserved_on_each_day(opening, days, unmet):
    stock = Stock(np.array(opening), unmet)
    for day, (demand, orders) in enumerate(days):
        before, coming = stock.on_hand.copy(), stock.on_order.copy()
        received = stock.receive(day)
        at, units, lead = np.array(orders, np.int64).reshape(-1, 3).T
        stock.order(day, at, units, day + lead)
        owed = stock.owed.copy()
        met = stock.ship(np.array(demand))
        late = owed + np.array(demand) - met - stock.owed  # what was owed and went out, or was lost
        shipped = before + received - stock.on_hand
        ordered = np.bincount(at, units, 3).astype(int) if len(at) else np.zeros(3, int)
        assert (stock.on_order == coming + ordered - received).all()
        if unmet == "lost":
            assert (stock.owed == 0).all() and (shipped == met).all()
        else:
            assert (shipped == met + late).all()
        stock.check(["a", "b", "c"])


def test_what_is_due_today_comes_the_next_morning():
    stock = Stock(np.array([0, 0]))
    stock.order(5, np.array([0, 1]), np.array([7, 8]), np.array([5, 7]))
    assert stock.receive(5).tolist() == [0, 0]
    assert stock.receive(6).tolist() == [7, 0]
    assert stock.receive(7).tolist() == [0, 8]


def test_what_is_owed_is_shipped_first():
    stock = Stock(np.array([3]), "backordered")
    assert stock.ship(np.array([5])).tolist() == [3]
    assert stock.owed.tolist() == [2]
    stock.order(1, np.array([0]), np.array([4]), np.array([2]))
    stock.receive(2)
    assert stock.ship(np.array([4])).tolist() == [2]
    assert (stock.on_hand.tolist(), stock.owed.tolist()) == ([0], [2])


@pytest.mark.parametrize("what", ["on_hand", "on_order", "owed"])
def test_a_unit_out_of_nowhere_is_found(what):
    stock = Stock(np.array([3, 4]))
    stock.check(["a", "b"])
    getattr(stock, what)[1] += 1
    with pytest.raises(Failure, match=r"units are not conserved: .* of b"):
        stock.check(["a", "b"])
