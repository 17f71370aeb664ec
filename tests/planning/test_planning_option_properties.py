"""Property tests of the options: suppliers with their SKUs and calendars, decided by Trino and by plain Python, to the unit."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace
from datetime import timedelta
from decimal import Decimal
from itertools import islice

import pytest
from hypothesis import strategies as st
from plain_exceptions import codes_of_sku, codes_of_supplier
from plain_options import Answer, Calendar, Item, Supplier, Words, plan_supplier
from planning_world import DAY, World, plan
from samples import made
from stored_world import StoredWorld

from common.explain.arithmetic import disagreements
from common.explain.facts import Facts
from common.explain.minimum import compare_minimum, concerned
from common.settings import load_settings

# the settings as they are, and with every option on: what neither a SKU nor its supplier says; suppliers of each world
WORDS = (
    Words(fill_max_days=90),
    Words(
        "order_up_to", "working", level_share_percent=20, max_order_qty=150, hold_on_spike=True, supplier_minimum="fill",
        minimum_order_value=200, minimum_order_units=60, min_history_days=0, fill_max_days=60,
    ),
)  # fmt: skip
SUPPLIERS = (500, 1000)

maybe = st.none() | st.none()
near = st.integers(-3, 40).map(lambda n: DAY + timedelta(days=n))
cents = st.integers(0, 3000).map(lambda n: Decimal(n).scaleb(-2))
calendars = st.builds(
    Calendar, closures=st.lists(near, max_size=8).map(frozenset), order_days=st.dictionaries(near, st.booleans(), max_size=5)
)
suppliers = st.builds(
    Supplier, lead=st.integers(0, 9), unit=st.sampled_from([None, "calendar", "working", "working"]),
    weekdays=maybe | st.sets(st.sampled_from("1234567"), min_size=1).map(lambda d: "".join(sorted(d))) | st.just("6"),
    calendar=st.just(Calendar()) | calendars, policy=st.sampled_from([None, "formula", "order_up_to"]),
    share=st.sampled_from([None, 0, 10, 50]), holds_spikes=st.sampled_from([None, False, True]),
    minimum_value=maybe | st.integers(1, 60_000).map(lambda n: Decimal(n).scaleb(-1)),
    minimum_units=maybe | st.integers(1, 900),
    minimum_action=st.sampled_from(["flag", "hold", "fill", "fill", "fill", "off", None]),
)  # fmt: skip
levels = st.tuples(*[maybe | st.integers(1, 12)] * 3)
items = st.builds(
    Item, demand=st.sampled_from([0, 3]) | st.integers(0, 60) | st.integers(0, 60),
    available=st.integers(-5, 20) | st.integers(0, 80),
    safety=st.integers(0, 30),
    moq=st.sampled_from([1, 1, 6, 24, 50]), pack=st.sampled_from([1, 2, 6, 12]), cost=cents, levels=levels,
    shares=st.tuples(maybe | st.sampled_from([0, 20, 100]), maybe | st.sampled_from([0, 5])),
    maxima=st.tuples(maybe | st.integers(0, 200), maybe | st.integers(0, 200)),
    policies=st.tuples(*[st.sampled_from([None, None, "formula", "order_up_to"])] * 2),
    holds_spikes=st.sampled_from([None, None, True, False]),
    history=st.dictionaries(st.integers(1, 28), st.integers(1, 25), max_size=8),
    in_stock=st.sets(st.integers(1, 28), max_size=14),
    open_qty=st.sampled_from([0, 0, 12, 60]),
)  # fmt: skip
parties = st.tuples(suppliers, st.lists(items, min_size=1, max_size=4))


def place_calendar(world, kind, party, calendar):
    for day in sorted({*calendar.closures, *calendar.order_days}):
        world.add(
            "calendar_days", party_kind=kind, party_id=party, day=day, is_order_day=calendar.order_days.get(day),
            is_working_day=day not in calendar.closures,
        )  # fmt: skip


def place(world, name, supplier, of):
    world.add(
        "suppliers", supplier_id=name, lead_time_days=supplier.lead, lead_time_unit=supplier.unit, policy=supplier.policy,
        order_weekdays=supplier.weekdays, level_share_percent=supplier.share, is_held_on_spike=supplier.holds_spikes,
        minimum_order_value=supplier.minimum_value, minimum_order_units=supplier.minimum_units,
        minimum_action=supplier.minimum_action,
    )  # fmt: skip
    place_calendar(world, "supplier", name, supplier.calendar)
    for number, item in enumerate(of):
        sku = f"{name}-{number}"
        case, layer, pallet = (packs and packs * item.pack for packs in item.levels)
        world.add("products", sku=sku, pack_size=item.pack)
        world.add(
            "replenishment_rules", sku=sku, moq=item.moq, safety_stock=item.safety, policy=item.policies[0],
            level_share_percent=item.shares[0], max_order_qty=item.maxima[0], is_held_on_spike=item.holds_spikes,
        )  # fmt: skip
        world.add(
            "product_suppliers", sku=sku, supplier_id=name, unit_cost=item.cost, policy=item.policies[1], case_size=case,
            layer_size=layer, pallet_size=pallet, level_share_percent=item.shares[1], max_order_qty=item.maxima[1],
        )  # fmt: skip
        world.add("warehouse_stock", sku=sku, available_qty=item.available)
        if item.demand:
            world.add("pos_order_lines", sku=sku, quantity=item.demand)
        for ago, units in item.history.items():
            world.add("pos_order_lines", sku=sku, quantity=units, business_date=DAY - timedelta(days=ago))
        for ago in item.in_stock:
            world.add("warehouse_stock", sku=sku, available_qty=5, reserved_qty=4, business_date=DAY - timedelta(days=ago))
        if item.open_qty:
            world.add(
                "released_orders", order_number=f"20171222-{name}", sku=sku, supplier_id=name, order_qty=item.open_qty,
            )  # fmt: skip


@dataclass(frozen=True)
class Decided:
    """A supplier and its SKUs as two have decided: the rows of Trino by model and SKU, and the answers of Python."""

    supplier: Supplier
    items: list[Item]
    rows: list[dict]
    answers: list[Answer]
    number: str
    lines: list[dict]
    raised: list[set[str]]
    raised_of_supplier: set[str]
    receiver: Calendar
    words: Words


@pytest.fixture(scope="module")
def both(trino, hdfs):
    """Every supplier of every world; a world is thousands of SKUs in one query a model."""
    sample, receivers = iter(made(parties, sum(SUPPLIERS))), [r for r in made(calendars, 100) if is_telling(r)]
    return [
        one
        for count, receiver, words in zip(SUPPLIERS, receivers, WORDS, strict=False)
        for one in decide(trino, hdfs, list(islice(sample, count)), receiver, words)
    ]


def is_telling(receiver):
    """Whether it takes orders on the date, and neither takes orders nor goods on some other days."""
    return receiver.order_days.get(DAY) is not False and False in receiver.order_days.values() and len(receiver.closures) > 2


def decide(trino, hdfs, parties_of_world, receiver, words):
    with StoredWorld(trino, hdfs) as world:
        place_calendar(world, "receiver", "network", receiver)
        for n, (supplier, of) in enumerate(parties_of_world):
            place(world, f"S{n:04}", supplier, of)
        settings = {f"planning.{name}": value for name, value in vars(words).items()}
        made_by = plan(trino, world, settings=settings, also=["purchase_order_lines"])
    rows, lines = ({row["sku"]: row for row in made_by[model]} for model in ("order_decisions", "purchase_order_lines"))
    assert len(rows) == sum(len(of) for _, of in parties_of_world) > 1000
    raised = defaultdict(set)
    for row in made_by["exceptions"]:
        raised[row["sku"] or row["supplier_id"]].add(row["code"])
    open_days = {ago for _, of in parties_of_world for item in of for ago in item.history}
    for n, (supplier, of) in enumerate(parties_of_world):
        name = f"S{n:04}"
        skus = [f"{name}-{k}" for k in range(len(of))]
        yield Decided(
            supplier, of, [rows[sku] for sku in skus], plan_supplier(of, supplier, receiver, DAY, open_days, words), name,
            [lines[sku] for sku in skus if sku in lines], [raised[sku] for sku in skus], raised[name], receiver, words,
        )  # fmt: skip


@pytest.fixture(scope="module")
def rows(both):
    """What Trino decided of every SKU."""
    return [row for one in both for row in one.rows]


def test_trino_and_python_decide_alike(both):
    names = (
        "outcome", "net_demand_qty", "policy", "policy_source", "policy_fallback", "order_qty", "due_date", "horizon_days",
        "minimum_status",
    )  # fmt: skip
    for one in both:
        for item, row, want in zip(one.items, one.rows, one.answers, strict=True):
            expected = (
                want.outcome, want.need, want.policy, want.source, want.fallback, want.order_qty, want.due, want.horizon,
                want.status,
            )  # fmt: skip
            assert tuple(row[name] for name in names) == expected, (one.supplier, item)
            if want.after[0] is not None:
                after = tuple(row[f"after_{step}_qty"] for step in ("moq", "pack", "level", "maximum"))
                assert after == want.after, (one.supplier, item)


def test_explain_computes_every_minimum_alike(both):
    """All suppliers; and a stored status or quantity that is another is seen."""
    differ, compared = {}, 0
    for n, one in enumerate(both):
        facts = facts_of(one)
        found = compare_minimum(facts, row_of(one.supplier))
        compared += len(found)
        differ[n] = list(disagreements(found))
        if any(row["minimum_status"] == "filled" for row in one.rows):
            (sku, line), *_ = [(sku, f) for sku, f in facts.items() if f.decision["fill_note"]]
            less = line.decision | {"after_fill_qty": line.decision["after_fill_qty"] - 1}
            wrong = compare_minimum(facts | {sku: replace(line, decision=less)}, row_of(one.supplier))
            assert len(list(disagreements(wrong))) == 1
    assert not any(differ.values()), [lines for lines in differ.values() if lines][:5]
    # the sample is not the same beside other modules, so its size says little: everything was compared
    rows = [row for one in both for row in one.rows]
    over = sum(len(concerned(one.rows)) for one in both)
    assert compared == over + sum(row["minimum_status"] is not None for row in rows) > 1000


def facts_of(one):
    """What `explain` reads of the SKUs that a supplier's minimum is decided over."""
    settings = dict(load_settings()) | {f"planning.{name}": value for name, value in vars(one.words).items()}
    over = set(concerned(one.rows))
    return {
        row["sku"]: Facts(
            DAY, row, {"demand_qty": item.demand}, None, None, None, [], {}, [], [], [],
            {DAY - timedelta(days=ago): item.history.get(ago, 0) for ago in range(1, 29)}, settings=settings,
        )
        for row, item in zip(one.rows, one.items, strict=True)
        if row["sku"] in over
    }  # fmt: skip


def row_of(supplier):
    return {
        "minimum_action": supplier.minimum_action, "minimum_order_value": supplier.minimum_value,
        "minimum_order_units": supplier.minimum_units,
    }  # fmt: skip


def test_the_lines_of_an_order_are_its_skus_in_their_order(both):
    for one in both:
        ordered = [(n, item, want) for n, (item, want) in enumerate(zip(one.items, one.answers, strict=True)) if want.order_qty]
        columns = ("order_number", "line_no", "sku", "order_qty", "packs", "line_cost", "due_date")
        assert [tuple(line[name] for name in columns) for line in one.lines] == [
            (
                f"20171223-{one.number}", line_no, f"{one.number}-{n}", want.order_qty, want.order_qty // item.pack,
                want.order_qty * item.cost, want.due,
            )
            for line_no, (n, item, want) in enumerate(ordered, 1)
        ], one.supplier  # fmt: skip


def test_exactly_what_python_would_raise_is_raised(both):
    for one in both:
        expected = [codes_of_sku(item, want, DAY) for item, want in zip(one.items, one.answers, strict=True)]
        assert one.raised == expected, (one.supplier, one.items)
        assert one.raised_of_supplier == codes_of_supplier(one.answers, one.supplier, one.receiver, DAY), one.supplier
    assert {code for one in both for codes in (*one.raised, one.raised_of_supplier) for code in codes} == {
        "negative_stock", "demand_spike", "policy_not_usable", "above_maximum", "held_on_spike", "maximum_below_need",
        "already_ordered", "order_excess", "possible_shortage", "below_minimum", "held_below_minimum", "minimum_not_reached",
        "no_order_day",
    }  # fmt: skip


def test_tens_of_thousands_of_packs_fill_an_order_up(trino):
    """Where a supplier's SKUs sell fast; every order in which the days of cover fall, and both kinds of minimum."""
    usual = dict.fromkeys(("unit", "weekdays", "policy", "share", "holds_spikes")) | {"lead": 4, "calendar": Calendar()}
    plain = {
        "safety": 0, "levels": (None,) * 3, "shares": (None,) * 2, "policies": (None,) * 2, "holds_spikes": None, "in_stock": (),
        "open_qty": 0,
    }  # fmt: skip
    world, parties = World(), []
    for number, (units, value) in enumerate([(30_000, None), (None, Decimal("450.00")), (25_000, Decimal("399.99"))]):
        supplier = Supplier(**usual, minimum_units=units, minimum_value=value, minimum_action="fill")
        of = [
            Item(40, 7, moq=1, pack=1, cost=Decimal("0.01"), maxima=(None, None), history={1: 9700}, **plain),
            Item(0, 900 * number, moq=50, pack=2, cost=Decimal("0.03"), maxima=(None, 9000), history={2: 8100}, **plain),
            Item(0, 0, moq=1, pack=6, cost=Decimal("0.02"), maxima=(None, None), history={3: 31}, **plain),
        ]  # fmt: skip
        place(world, f"S{number}", supplier, of)
        parties.append((supplier, of))
    rows = {row["sku"]: row for row in plan(trino, world, "order_decisions")["order_decisions"]}
    for number, (supplier, of) in enumerate(parties):
        answers = plan_supplier(of, supplier, Calendar(), DAY, (1, 2, 3), Words())
        found = [rows[f"S{number}-{k}"] for k in range(len(of))]
        assert [(row["order_qty"], row["minimum_status"]) for row in found] == [(a.order_qty, a.status) for a in answers]
        assert max(row["packs"] for row in found) > 10_000 and answers[0].status == "filled"


def test_every_order_keeps_the_rules(rows):
    for row in rows:
        if row["outcome"] == "ordered":
            steps = ("moq", "pack", "level", "maximum", "fill")
            assert row["order_qty"] == row["net_demand_qty"] * (row["bound_by"] != "fill" or row["after_moq_qty"] > 0) + sum(
                row[f"{step}_excess_qty"] for step in steps
            )
            assert row["order_qty"] % row["pack_size"] == 0 and row["order_qty"] >= row["moq"]
            assert row["max_order_qty"] is None or row["order_qty"] <= row["max_order_qty"]
            assert (row["fill_note"] is not None) == (row["bound_by"] == "fill")


def test_the_sample_reaches_every_corner(rows):
    assert {row["outcome"] for row in rows} == {
        "ordered", "enough_stock", "no_order_day", "above_maximum", "held_spike", "below_supplier_minimum",
    }  # fmt: skip
    assert {row["bound_by"] for row in rows} == {"need", "moq", "pack", "level", "maximum", "fill", None}
    assert {row["minimum_status"] for row in rows} == {"reached", "flagged", "held", "filled", "unreachable", None}
    assert {row["policy"] for row in rows} == {"formula", "order_up_to"}
    assert {row["policy_source"] for row in rows} == {"sku", "supplier_sku", "supplier", "default"}
    assert {row["policy_fallback"] for row in rows} >= {None, "few_days"}
    assert any(row["net_demand_qty"] == 0 and row["order_qty"] for row in rows), "a line that only fills up"
