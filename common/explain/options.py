"""What the options come to once more: policy and window, order day and due date, maximum. In plain Python, day by day.

Written from the planning rules, not from the SQL. What a run has not recorded (its settings, its calendar, the window that
it read) can't be computed again: then the stored value stands.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from typing import Any

from common.explain.facts import Facts, Row
from common.explain.offers import first_set, is_open, ranked

_DAY = timedelta(days=1)


def chosen_offer(facts: Facts) -> Row:
    """The offer of the supplier that is asked; empty without one."""
    return next((offer for offer in ranked(facts) if is_open(facts, offer)), {})


def policy_of(facts: Facts, terms: Mapping[str, Any]) -> dict[str, Any]:
    """The policy, whose word it is, why the formula decided instead, and the figures of order_up_to."""
    asked, source = first_set(
        (facts.rule or {}, "sku"), (chosen_offer(facts), "supplier_sku"), (_supplier(facts, terms), "supplier"), name="policy"
    )
    if asked is None:
        asked, source = facts.settings.get("planning.policy"), "default"
    if asked is None:  # an older run
        return {}
    horizon, window = horizon_days(facts, terms), counted_window(facts)
    fallback = None
    if asked == "order_up_to":
        least = facts.settings.get("planning.min_history_days", 0)
        if terms["supplier_id"] is None:
            fallback = "no_supplier"
        elif not _is_usable(terms["lead_time_days"]):
            fallback = "invalid_lead_time"
        elif horizon is None:
            fallback = "no_next_order_day"
        elif window is None:  # it was not read
            fallback = facts.decision.get("policy_fallback")
        elif len(window) < max(least, 1):  # a need of no day at all can't be computed
            fallback = "few_days"
    made: dict[str, Any] = {"policy": "formula", "policy_source": source, "policy_fallback": fallback}
    made |= dict.fromkeys(("horizon_days", "window_demand_qty", "window_days", "on_order_qty"))
    if asked != "order_up_to" or fallback is not None:
        return made
    demand, days = (facts.decision.get(name) for name in ("window_demand_qty", "window_days"))
    if window is not None:
        demand, days = sum(window), len(window)
    on_order = sum(row["open_qty"] for row in facts.open_orders if not row["is_closed"])
    return made | {
        "policy": "order_up_to", "horizon_days": horizon, "window_demand_qty": demand, "window_days": days,
        "on_order_qty": on_order,
    }  # fmt: skip


def counted_window(facts: Facts) -> list[int] | None:
    """Units of each day that counts, a spike as much as the largest day that is none; None where they were not read."""
    factor, least = (facts.settings.get(f"planning.{name}") for name in ("spike_factor", "spike_min_qty"))
    if facts.free is None or factor is None or least is None:
        return None
    ordered = sorted((quantity for quantity in facts.history.values() if quantity), reverse=True)
    cap = max(least, factor * [*ordered, 0, 0, 0][2])
    return [min(facts.history.get(day) or 0, cap) for day, free in facts.free.items() if free > 0]


def largest_order(facts: Facts, terms: Mapping[str, Any]) -> int | None:
    """The maximum of an order: the lower one of the rule's and the offer's, else the setting's."""
    said = [row.get("max_order_qty") for row in (facts.rule or {}, chosen_offer(facts) if terms["supplier_id"] else {})]
    if known := [limit for limit in said if limit is not None]:
        return min(known)
    if "planning.max_order_qty" not in facts.settings:
        return facts.decision.get("max_order_qty")
    return facts.settings["planning.max_order_qty"] or None


def order_days(facts: Facts, terms: Mapping[str, Any]) -> dict[str, Any]:
    """Whether the date is an order day, and the next one; nothing where the calendar is not known."""
    if facts.calendar is None:
        return {}
    if terms["supplier_id"] is None:
        return {"is_order_day": False, "next_order_date": None}
    return {"is_order_day": _takes_orders(facts, terms, facts.day), "next_order_date": _next_order_date(facts, terms)}


def due_date(facts: Facts, terms: Mapping[str, Any], ordered: date | None = None) -> date:
    """When an order of a day (the date itself where none is given) comes: its lead time, on a day on which the receiver works.

    Without the calendar: the stored date, unless it is sooner than the lead time allows.
    """
    start = ordered or facts.day
    if facts.calendar is None:
        earliest = start + terms["lead_time_days"] * _DAY
        return max(earliest, facts.decision["due_date"] or earliest)
    is_working = _lead_time_unit(facts, terms) == "working"
    closed = set(_days(facts, "supplier", terms["supplier_id"], "is_working_day", False)) if is_working else set()
    due, left = start, terms["lead_time_days"]
    while left:
        due += _DAY
        left -= due not in closed
    closures = set(_days(facts, "receiver", None, "is_working_day", False))
    while due in closures:
        due += _DAY
    return due


def horizon_days(facts: Facts, terms: Mapping[str, Any]) -> int | None:
    """Selling days up to the due date of the next order day; None where there is none or the lead time is not usable."""
    if facts.calendar is None:
        horizon: int | None = facts.decision.get("horizon_days")
        return horizon
    following = _next_order_date(facts, terms) if terms["supplier_id"] is not None else None
    if following is None or not _is_usable(terms["lead_time_days"]):
        return None
    until = due_date(facts, terms, following)
    closed = sum(facts.day < day <= until for day in _days(facts, "receiver", None, "is_working_day", False))
    return (until - facts.day).days - closed


def _is_usable(lead_time_days: int | None) -> bool:
    return lead_time_days is not None and 0 <= lead_time_days <= 3650


def _supplier(facts: Facts, terms: Mapping[str, Any]) -> Row:
    return facts.suppliers.get(terms["supplier_id"] or "", {})


def _lead_time_unit(facts: Facts, terms: Mapping[str, Any]) -> Any:
    own = _supplier(facts, terms).get("lead_time_unit")
    return own or facts.settings.get("planning.lead_time") or facts.decision.get("lead_time_unit")


def _days(facts: Facts, kind: str, party: str | None, column: str, value: bool) -> Iterator[date]:
    """The days of a party (of whatever party of the kind, where none is given) whose column has that value."""
    for row in facts.calendar or ():
        if row["party_kind"] == kind and row[column] is value and party in (None, row["party_id"]):
            yield row["day"]


def _takes_orders(facts: Facts, terms: Mapping[str, Any], day: date) -> bool:
    supplier_id = terms["supplier_id"]
    if day in _days(facts, "receiver", None, "is_order_day", False):
        return False
    for said in (False, True):
        if day in _days(facts, "supplier", supplier_id, "is_order_day", said):
            return said
    weekdays = _supplier(facts, terms).get("order_weekdays")
    return weekdays is None or str(day.isoweekday()) in weekdays


def _next_order_date(facts: Facts, terms: Mapping[str, Any]) -> date | None:
    following = (facts.day + n * _DAY for n in range(1, 367))
    return next((day for day in following if _takes_orders(facts, terms, day)), None)
