"""What explain computes of the options on its own: a stored number that they do not come to is a disagreement."""

from datetime import date, timedelta

import pytest
from sample import DAY, facts, offer, supplier

from common.explain.arithmetic import compare, disagreements
from common.explain.lineage import history_days
from common.settings import load_settings

SETTINGS = dict(load_settings())
UP_TO = {  # of the window below: 20 days with stock, 3 units on each third day before, a spike that counts as 10
    "policy": "order_up_to", "policy_source": "supplier", "policy_fallback": None, "window_demand_qty": 28, "window_days": 20,
    "horizon_days": 5, "on_order_qty": 4, "requirement_qty": 7, "net_demand_qty": 1,
}  # fmt: skip
FREE = {DAY - timedelta(days=n): 1 if n <= 20 else 0 for n in range(28, 0, -1)}
SOLD = {DAY - timedelta(days=n): 50 if n == 1 else 3 if n % 3 == 0 else 0 for n in range(28, 0, -1)}
ON_ORDER = [
    {"order_number": "20171220-S", "open_qty": 4, "is_closed": False},
    {"order_number": "20171201-S", "open_qty": 0, "is_closed": True},
]


def of(kind, *days, party="S", **differs):
    usual = {"party_kind": kind, "party_id": party, "is_order_day": None, "is_working_day": True}
    return [usual | {"day": date(2017, 12, day)} | differs for day in days]


def closed(kind, *days, party="S"):
    return of(kind, *days, party=party, is_working_day=False)


def said(decision=None, **differs):
    """What is said to disagree, of a run that recorded settings and knew calendars."""
    known = {"settings": SETTINGS, "calendar": []} | differs
    return list(disagreements(compare(facts(decision=decision or {}, **known))))


@pytest.mark.parametrize(
    ("calendar", "unit", "due"),
    [
        ([], None, 27),
        (closed("supplier", 25, 26), None, 27),  # its lead time counts calendar days
        (closed("supplier", 25, 26), "working", 29),
        (closed("supplier", 23), "working", 27),  # the day of the order itself does not count
        (closed("receiver", 27, 28, party="network"), None, 29),
        (closed("receiver", 26, party="network"), None, 27),
        ([*closed("supplier", 24, 25), *closed("receiver", 29, party="network")], "working", 30),
        (closed("supplier", 25, party="T"), "working", 27),  # another's
    ],
)
def test_the_due_date_is_computed_from_the_calendars(calendar, unit, due):
    rows = {"calendar": calendar, "suppliers": {"S": supplier("S", lead_time_unit=unit)}}
    assert said({"due_date": date(2017, 12, due)}, **rows) == []
    for wrong in (due - 1, due + 1):
        table, line = said({"due_date": date(2017, 12, wrong)}, **rows)
        assert table == f"planning.order_decisions.due_date: stored 2017-12-{wrong}, computed 2017-12-{due}"
        assert line.startswith("planning.purchase_order_lines.due_date")


@pytest.mark.parametrize(
    ("calendar", "weekdays", "is_order_day", "following"),
    [
        ([], None, True, 24),
        ([], "1", False, 25),  # the date is a Saturday
        (of("supplier", 23, is_order_day=True), "1", True, 25),
        (of("supplier", 25, is_order_day=False), "16", True, 30),
        (of("receiver", 24, party="network", is_order_day=False), None, True, 25),
    ],
)
def test_the_order_day_is_computed(calendar, weekdays, is_order_day, following):
    rows = {"calendar": calendar, "suppliers": {"S": supplier("S", order_weekdays=weekdays)}}
    right = {"is_order_day": is_order_day, "next_order_date": date(2017, 12, following)}
    differ = said(right, **rows)
    stops = [text for text in differ if text.endswith("outcome: stored ordered, computed no_order_day")]
    assert differ == [] if is_order_day else stops
    wrong = said(right | {"is_order_day": not is_order_day}, **rows)
    assert f"planning.order_decisions.is_order_day: stored {not is_order_day}, computed {is_order_day}" in wrong
    wrong = said(right | {"next_order_date": date(2017, 12, 31)}, **rows)
    assert f"planning.order_decisions.next_order_date: stored 2017-12-31, computed 2017-12-{following}" in wrong


def up_to(decision=None, **differs):
    known = {"history": SOLD, "free": FREE, "open_orders": ON_ORDER, "suppliers": {"S": supplier("S", policy="order_up_to")}}
    return said(UP_TO | {"moq_excess_qty": 49} | (decision or {}), **(known | differs))


def test_the_window_and_what_is_on_order_are_computed():
    assert up_to() == []
    for wrong in ({"window_demand_qty": 27}, {"window_days": 21}, {"horizon_days": 6}, {"on_order_qty": 0}):
        ((name, value),) = wrong.items()
        assert f"planning.order_decisions.{name}: stored {value}, computed {UP_TO[name]}" in up_to(wrong)
    # another policy than the one that was asked for, or days enough and the formula all the same
    assert any(".policy: stored order_up_to, computed formula" in text for text in up_to(suppliers={"S": supplier("S")}))
    few = {day: free for day, free in FREE.items() if (DAY - day).days <= 6}
    assert any("policy_fallback: stored None, computed few_days" in text for text in up_to(free=few))
    none = dict.fromkeys(FREE, 0)
    assert any("computed few_days" in text for text in up_to(free=none, settings=SETTINGS | {"planning.min_history_days": 0}))
    # a window that the run did not read is taken as it is stored
    assert up_to({"window_demand_qty": 27}, free=None) == []
    # the formula, where order_up_to was asked for and nothing of its window is known
    asked = said(suppliers={"S": supplier("S", policy="order_up_to")})
    assert "planning.order_decisions.policy: stored formula, computed order_up_to" in asked


def test_the_maximum_is_computed():
    capped = {"after_level_qty": 60, "after_maximum_qty": 60, "after_fill_qty": 60, "max_order_qty": 72}
    assert said(capped, offers=[offer("S", max_order_qty=72)]) == []
    assert said(capped, rule={"moq": 50, "safety_stock": 3, "max_order_qty": 72}, offers=[offer("S", max_order_qty=80)]) == []
    assert said(capped, settings=SETTINGS | {"planning.max_order_qty": 72}) == []
    assert said(capped) == ["planning.order_decisions.max_order_qty: stored 72, computed None"]
    assert "planning.order_decisions.max_order_qty: stored 72, computed 55" in said(capped, offers=[offer("S", max_order_qty=55)])


def test_the_window_is_as_long_as_it_was_then():
    assert history_days(load_settings(), {}) == 28
    assert history_days(load_settings(["planning.history_days=60"]), {"planning.history_days": 14}) == 14
