"""Property tests of the options: suppliers with their SKUs and calendars, decided by Trino and by plain Python, to the unit."""

from __future__ import annotations

import secrets
from datetime import timedelta
from decimal import Decimal

import pytest
from hypothesis import strategies as st
from plain_options import Calendar, Item, Supplier, plan_supplier
from planning_world import DAY, World, plan
from samples import made

WORLDS, SUPPLIERS = 4, 250  # a statement of Trino holds a million characters
FILL_MAX_DAYS = 90

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


class StoredWorld(World):
    """A world whose tables lie in the lake: with every option on a model reads some of them many times over."""

    def __init__(self, trino, hdfs):
        super().__init__()
        self.trino, self.hdfs, self.root = trino, hdfs, f"/tests/stored_world/{secrets.token_hex(6)}"
        self.names = {}

    def references(self):
        for table, sql in super().references().items():
            if self.rows[table]:
                self.names[table] = f"hive.scratch.world_{self.root[-12:]}_{table}"
                place = f"{self.hdfs.url.rstrip('/')}{self.root}/{table}"
                columns = f"with (external_location = '{place}')"
                self.trino.execute(f"create table {self.names[table]} {columns} as select * from {sql}")
        return super().references() | self.names

    def remove(self):
        for name in self.names.values():
            self.trino.execute(f"drop table {name}")
        self.hdfs.delete(self.root)


@pytest.fixture(scope="module")
def both(trino, hdfs):
    """(supplier, item, what Trino decided, what Python decided) of every SKU."""
    found = []
    sample, receivers = made(parties, WORLDS * SUPPLIERS), made(calendars, WORLDS)
    for number, receiver in enumerate(receivers):
        world, found_parties = StoredWorld(trino, hdfs), sample[number * SUPPLIERS : (number + 1) * SUPPLIERS]
        place_calendar(world, "receiver", "network", receiver)
        for n, (supplier, of) in enumerate(found_parties):
            place(world, f"S{n:03}", supplier, of)
        decided = plan(trino, world, "order_decisions", settings={"planning.fill_max_days": FILL_MAX_DAYS})["order_decisions"]
        world.remove()
        rows = {row["sku"]: row for row in decided}
        open_days = {ago for _, of in found_parties for item in of for ago in item.history}
        for n, (supplier, of) in enumerate(found_parties):
            answers = plan_supplier(of, supplier, receiver, DAY, open_days, FILL_MAX_DAYS)
            found += [(supplier, item, rows[f"S{n:03}-{k}"], answers[k]) for k, item in enumerate(of)]
    return found


def test_trino_and_python_decide_alike(both):
    for supplier, item, row, want in both:
        names = ("outcome", "net_demand_qty", "policy", "order_qty", "due_date", "horizon_days", "minimum_status")
        got = tuple(row[name] for name in names)
        expected = (want.outcome, want.need, want.policy, want.order_qty, want.due, want.horizon, want.status)
        assert got == expected, (supplier, item)
        if want.after[0] is not None:
            after = tuple(row[f"after_{step}_qty"] for step in ("moq", "pack", "level", "maximum"))
            assert after == want.after, (supplier, item)


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
        answers = plan_supplier(of, supplier, Calendar(), DAY, (1, 2, 3), 365)
        found = [rows[f"S{number}-{k}"] for k in range(len(of))]
        assert [(row["order_qty"], row["minimum_status"]) for row in found] == [(a.order_qty, a.status) for a in answers]
        assert max(row["packs"] for row in found) > 10_000 and answers[0].status == "filled"


def test_every_order_keeps_the_rules(both):
    for _, _, row, _ in both:
        if row["outcome"] == "ordered":
            steps = ("moq", "pack", "level", "maximum", "fill")
            assert row["order_qty"] == row["net_demand_qty"] * (row["bound_by"] != "fill" or row["after_moq_qty"] > 0) + sum(
                row[f"{step}_excess_qty"] for step in steps
            )
            assert row["order_qty"] % row["pack_size"] == 0 and row["order_qty"] >= row["moq"]
            assert row["max_order_qty"] is None or row["order_qty"] <= row["max_order_qty"]
            assert (row["fill_note"] is not None) == (row["bound_by"] == "fill")


def test_the_sample_reaches_every_corner(both):
    rows = [row for _, _, row, _ in both]
    assert {row["outcome"] for row in rows} == {
        "ordered", "enough_stock", "no_order_day", "above_maximum", "held_spike", "below_supplier_minimum",
    }  # fmt: skip
    assert {row["bound_by"] for row in rows} == {"need", "moq", "pack", "level", "maximum", "fill", None}
    assert {row["minimum_status"] for row in rows} == {"reached", "flagged", "held", "filled", "unreachable", None}
    assert {row["policy"] for row in rows} == {"formula", "order_up_to"}
    assert {row["policy_source"] for row in rows} == {"sku", "supplier_sku", "supplier", "default"}
    assert {row["policy_fallback"] for row in rows} >= {None, "few_days"}
    assert any(row["net_demand_qty"] == 0 and row["order_qty"] for row in rows), "a line that only fills up"
