"""The options of an order a second time, day by day and pack by pack in plain Python, without a look at the SQL."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction

ONE_DAY = timedelta(days=1)


@dataclass(frozen=True)
class Calendar:
    """What one party's days are like; `order_days` says of single days whether an order may be placed."""

    closures: Collection[date] = ()
    order_days: Mapping[date, bool] = field(default_factory=dict)


@dataclass(frozen=True)
class Words:
    """What the settings say where neither the SKU nor its supplier does; 0 is no maximum, no minimum."""

    policy: str = "formula"
    lead_time: str = "calendar"
    level_share_percent: int = 0
    max_order_qty: int = 0
    hold_on_spike: bool = False
    supplier_minimum: str = "off"
    minimum_order_value: int = 0
    minimum_order_units: int = 0
    min_history_days: int = 7
    fill_max_days: int = 365


@dataclass(frozen=True)
class Supplier:
    lead: int
    unit: str | None
    weekdays: str | None
    calendar: Calendar
    policy: str | None
    share: int | None
    holds_spikes: bool | None
    minimum_value: Decimal | None
    minimum_units: int | None
    minimum_action: str | None


@dataclass(frozen=True)
class Item:
    """A SKU and its one offer; `history` and `in_stock` by days ago."""

    demand: int
    available: int
    safety: int
    moq: int
    pack: int
    cost: Decimal
    levels: tuple[int | None, int | None, int | None]  # in packs
    shares: tuple[int | None, int | None]  # of the rule, of the offer
    maxima: tuple[int | None, int | None]
    policies: tuple[str | None, str | None]
    holds_spikes: bool | None
    history: Mapping[int, int]
    in_stock: Collection[int]
    open_qty: int


@dataclass
class Answer:
    outcome: str
    need: int
    policy: str = "formula"
    source: str = "default"
    fallback: str | None = None
    after: tuple[int | None, ...] = (None, None, None, None)  # MOQ, pack, level, maximum
    order_qty: int = 0
    due: date | None = None
    horizon: int | None = None
    status: str | None = None


def first(*values):
    return next((value for value in values if value is not None), None)


def takes_orders(supplier: Supplier, receiver: Calendar, day: date) -> bool:
    if receiver.order_days.get(day) is False:
        return False
    if (said := supplier.calendar.order_days.get(day)) is not None:
        return said
    return supplier.weekdays is None or str(day.isoweekday()) in supplier.weekdays


def due_date(supplier: Supplier, receiver: Calendar, ordered: date) -> date:
    day, left = ordered, supplier.lead
    while left:
        day += ONE_DAY
        left -= not (supplier.unit == "working" and day in supplier.calendar.closures)
    while day in receiver.closures:
        day += ONE_DAY
    return day


def horizon(supplier: Supplier, receiver: Calendar, day: date) -> int | None:
    following = (day + n * ONE_DAY for n in range(1, 367))
    ordered = next((one for one in following if takes_orders(supplier, receiver, one)), None)
    if ordered is None:
        return None
    until = due_date(supplier, receiver, ordered)
    return sum(day + n * ONE_DAY not in receiver.closures for n in range(1, (until - day).days + 1))


def third_largest(item: Item) -> int:
    return ([*sorted(item.history.values(), reverse=True), 0, 0, 0])[2]


def told(items: Sequence[Item], supplier: Supplier, words: Words) -> tuple[list[Item], Supplier]:
    """The same with the settings' words where there are none, but for the policy."""
    largest = words.max_order_qty or None
    known = [replace(item, maxima=(largest, None)) if item.maxima == (None, None) else item for item in items]
    return known, replace(
        supplier,
        unit=first(supplier.unit, words.lead_time),
        share=first(supplier.share, words.level_share_percent),
        holds_spikes=first(supplier.holds_spikes, words.hold_on_spike),
        minimum_action=first(supplier.minimum_action, words.supplier_minimum),
        minimum_value=first(supplier.minimum_value, Decimal(words.minimum_order_value) or None),
        minimum_units=first(supplier.minimum_units, words.minimum_order_units or None),
    )


def is_spike(item: Item) -> bool:
    return item.demand >= 10 and item.demand > 2 * third_largest(item)


def need_of(
    item: Item, supplier: Supplier, receiver: Calendar, day: date, open_days: Collection[int], words: Words
) -> Answer:
    """The policy, and the need that it finds."""
    formula = max(0, item.demand + item.safety - item.available)
    said = zip((*item.policies, supplier.policy, words.policy), ("sku", "supplier_sku", "supplier", "default"), strict=True)
    asked, source = next(found for found in said if found[0] is not None)
    if asked != "order_up_to":
        return Answer("", formula, source=source)
    counted = [ago for ago in item.in_stock if ago in open_days]
    days = horizon(supplier, receiver, day)
    if days is None or len(counted) < max(1, words.min_history_days):
        return Answer("", formula, source=source, fallback="no_next_order_day" if days is None else "few_days")
    cap = max(10, 2 * third_largest(item))
    demand = sum(min(item.history.get(ago, 0), cap) for ago in counted)
    requirement = -(-demand * days // len(counted))
    return Answer("", max(0, requirement + item.safety - item.available - item.open_qty), "order_up_to", source, horizon=days)


def size(item: Item, supplier: Supplier, answer: Answer) -> None:
    """MOQ, pack, level, maximum; the quantity, or why there is none."""
    moved = max(answer.need, item.moq)
    packed = levelled = -(-moved // item.pack) * item.pack
    share = first(*item.shares, supplier.share) or 0
    for packs in item.levels:
        if packs and share:
            missing = -levelled % (packs * item.pack)
            if Fraction(missing, packs * item.pack) <= Fraction(share, 100):
                levelled += missing
    ceiling = min((m for m in item.maxima if m is not None), default=None)
    capped = levelled
    if ceiling is not None and levelled > ceiling:
        capped = packed if packed <= ceiling else ceiling // item.pack * item.pack
    answer.outcome = "above_maximum" if capped < item.moq or capped == 0 else "ordered"
    answer.after = (moved, packed, levelled, capped if answer.outcome == "ordered" else None)
    answer.order_qty = capped if answer.outcome == "ordered" else 0


def plan_supplier(
    items: Sequence[Item], supplier: Supplier, receiver: Calendar, day: date, open_days: Collection[int], words: Words
) -> list[Answer]:
    """What becomes of the SKUs of one supplier."""
    answers = []
    items, supplier = told(items, supplier, words)
    is_open = takes_orders(supplier, receiver, day)
    for item in items:
        answer = need_of(item, supplier, receiver, day, open_days, words)
        if answer.need == 0:
            answer.outcome = "enough_stock"
        elif not is_open:
            answer.outcome = "no_order_day"
        else:
            size(item, supplier, answer)
            if answer.outcome == "ordered" and is_spike(item) and first(item.holds_spikes, supplier.holds_spikes):
                answer.outcome, answer.order_qty = "held_spike", 0
        answers.append(answer)
    if is_open:
        _reach_minimum(items, supplier, answers, words.fill_max_days)
    for answer in answers:
        if answer.outcome == "ordered":
            answer.due = due_date(supplier, receiver, day)
    return answers


def _reach_minimum(items: Sequence[Item], supplier: Supplier, answers: list[Answer], fill_max_days: int) -> None:
    action = supplier.minimum_action
    lines = [n for n, answer in enumerate(answers) if answer.outcome == "ordered"]
    if action == "off" or not lines or (supplier.minimum_value is None and supplier.minimum_units is None):
        return

    def short(quantities: Sequence[int]) -> tuple[Decimal, int]:
        value = sum((n * item.cost for n, item in zip(quantities, items, strict=True)), Decimal(0))
        return max(Decimal(0), (supplier.minimum_value or 0) - value), max(0, (supplier.minimum_units or 0) - sum(quantities))

    quantities = [answer.order_qty for answer in answers]
    at_first = short(quantities)
    status = "reached" if not any(at_first) else {"flag": "flagged", "hold": "held", "fill": "unreachable"}[action]
    if status == "unreachable" and (filled := _fill(items, answers, quantities, short, fill_max_days)):
        status = "filled"
        for answer, quantity in zip(answers, filled, strict=True):
            if quantity != answer.order_qty:
                answer.outcome, answer.order_qty, answer.status = "ordered", quantity, "filled"
    for n in lines:
        answers[n].status = status
        if status == "held":
            answers[n].outcome, answers[n].order_qty = "below_supplier_minimum", 0


def _fill(items, answers, quantities, short, fill_max_days):
    """The quantities that reach the minimum, one pack after another; None where none do."""
    _value, units = short(quantities)
    open_to = {
        n for n, item in enumerate(items)
        if answers[n].outcome in ("ordered", "enough_stock") and sum(item.history.values()) and (units or item.cost)
    }  # fmt: skip
    quantities = list(quantities)
    while any(short(quantities)):
        best = None
        for n in sorted(open_to):
            item = items[n]
            lot = item.pack if quantities[n] else -(-item.moq // item.pack) * item.pack
            ceiling = min((m for m in item.maxima if m is not None), default=None)
            on_order = item.open_qty if answers[n].policy == "order_up_to" else 0
            left = item.available - item.demand + on_order + quantities[n]
            cover = Fraction(left * 28, sum(item.history.values()))
            is_allowed = cover < fill_max_days and (ceiling is None or quantities[n] + lot <= ceiling)
            if is_allowed and (best is None or cover < best[0]):
                best = (cover, n, lot)
        if best is None:
            return None
        quantities[best[1]] += best[2]
    return quantities
