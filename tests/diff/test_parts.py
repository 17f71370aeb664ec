"""Differences and their parts, without a lake: plans are made by a function of the world's references."""

from dataclasses import fields
from datetime import date, timedelta
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from common.diff.compare import Comparison, is_exact
from common.diff.lines import Line, changes, minus, plan_of
from common.diff.parts import CODE, FACTS, GROUPS, INPUTS, LATER_CODE, Side, attribute, mixed
from common.diff.report import as_json, as_text
from common.plan_world import input_tables
from common.planning import Facts
from common.terminal import Terminal

DAY = date(2017, 12, 23)
TABLES = [*input_tables()]
SKUS, SUPPLIERS, CURRENCIES = ("A", "B", "C"), ("S1", "S2"), ("USD", "EUR")

line_rows = st.tuples(
    st.sampled_from(SKUS), st.sampled_from(SUPPLIERS), st.just("Milk"), st.just("Dairy"), st.integers(1, 2**62),
    st.decimals(min_value=0, max_value="99999999999999999999999999999999.99", places=2), st.sampled_from(CURRENCIES),
)  # fmt: skip
plans = st.lists(line_rows, max_size=6).map(plan_of)


def side(version, *, day=DAY, code=True):
    """A side whose tables are named after versions, group by group: equal versions are equal inputs."""
    groups = {table: group for group, tables in GROUPS.items() for table in tables}
    facts = Facts(1, 2, 28, (day - timedelta(days=1),))

    def reference(table, at):
        return f"{table} {version[1:][list(GROUPS).index(groups[table])]}"

    return Side(day, {"v": version[0]}, facts, reference, code)


versions = st.tuples(*[st.integers(0, 1)] * (len(GROUPS) + 1))


class Maker:
    """Plans by world: the same world gives the same plan, another one any other."""

    def __init__(self, made):
        self.made, self.worlds = made, []

    def __call__(self, world):
        if world not in self.worlds:
            self.worlds.append(world)
        return self.made[self.worlds.index(world) % len(self.made)]


@given(plans, plans, st.lists(plans, min_size=1, max_size=9), versions, versions, st.booleans())
def test_the_parts_add_up_exactly(old, new, made, of_old, of_new, is_current):
    parts = attribute(side(of_old, code=is_current), side(of_new), (old, new), TABLES, Maker(made))
    found = Comparison((str(DAY), str(DAY)), ("old", "new"), old, new, parts)
    assert is_exact(found)
    assert [part.input for part in parts] in ([*INPUTS], [*INPUTS, LATER_CODE])
    assert sum(part.units for part in parts) == sum(c.units for c in found.changes.values())
    assert as_text(found) and as_json(found)


def test_names_and_signs_are_what_the_terminal_can_show():
    name = "Cr\u00e8me \x1b[2J\u202e\n" + "long " * 9
    old = plan_of([("A", "S1", name, "Da\x07iry", 48, Decimal("9.60"), "USD")])
    new = plan_of([("A", "S1", name, "Da\x07iry", 60, Decimal("12.00"), "USD")])
    found = Comparison((str(DAY), str(DAY)), ("old", "new"), old, new, [])
    everything = as_text(found)
    assert "48 → 60" in everything and "Crème ?[2J??long long" in everything and "…" in everything and "Da?iry" in everything
    plain = as_text(found, Terminal(is_unicode=False, encoding="ascii"))
    assert "48 -> 60" in plain and "Cr?me ?[2J??long long" in plain and "..." in plain and plain.isascii()
    assert all(letter.isprintable() or letter == "\n" for letter in everything + plain)


@given(plans, plans)
def test_the_reversed_order_negates_the_difference(old, new):
    there, back = changes(old, new), changes(new, old)
    assert there.keys() == back.keys()
    for key, change in there.items():
        assert change.units == -back[key].units
        assert change.cost == minus(back[key].cost)
        assert (change.kind, back[key].kind) in {("came", "went"), ("went", "came"), ("changed", "changed")}


@given(plans, versions)
def test_equal_inputs_give_nothing_and_are_not_planned_again(plan, version):
    never = Maker([])
    parts = attribute(side(version), side(version), (plan, plan), TABLES, never)
    assert not any(part.changes for part in parts) and not never.worlds


@given(plans, plans, st.lists(plans, min_size=1, max_size=9), versions, versions)
def test_the_part_of_an_input_that_is_equal_is_zero(old, new, made, of_old, of_new):
    parts = {p.input: p for p in attribute(side(of_old), side(of_new), (old, new), TABLES, Maker(made))}
    assert not parts[CODE].changes
    # prices are part of the table that master data swap
    equal = [name for name, a, b in zip(("settings", *GROUPS), of_old, of_new, strict=True) if a == b and name != "prices"]
    if of_old[2] == of_new[2]:
        equal.append("prices")
    assert not [name for name in equal if parts[name].changes]


def test_what_an_old_code_did_otherwise_is_the_part_of_the_code():
    old = plan_of([("A", "S1", "Milk", "Dairy", 12, Decimal("1.20"), "USD")])
    new = plan_of([("A", "S1", "Milk", "Dairy", 24, Decimal("2.40"), "USD")])
    version = (0,) * (len(GROUPS) + 1)
    parts = attribute(side(version, code=False), side(version), (old, new), TABLES, Maker([new]))
    assert {part.input: part.units for part in parts if part.units} == {CODE: 12}


def test_every_table_and_every_fact_is_an_input():
    assert {table for tables in GROUPS.values() for table in tables} | {"rejected_rows"} >= set(TABLES)
    assert {*FACTS, "filled"} == {field.name for field in fields(Facts)}


def test_prices_are_swapped_after_the_rest_of_their_table():
    old, new = side((0,) * 7), side((1,) * 7)
    taken = [mixed(old, new, INPUTS[: n + 1], TABLES).references["product_suppliers"] for n in range(len(INPUTS))]
    master = INPUTS.index("master data")
    assert taken[master - 1] == "product_suppliers 0" and taken[master + 1] == "product_suppliers 1"
    assert "old_offer.unit_cost" in taken[master] and "from product_suppliers 1 as new_offer" in taken[master]


def test_dates_are_swapped_with_the_calendar():
    old, new = side((0,) * 7), side((0,) * 7, day=DAY + timedelta(days=7))
    worlds = [mixed(old, new, INPUTS[: n + 1], TABLES) for n in range(len(INPUTS))]
    calendar = INPUTS.index("calendar")
    assert [w.day for w in worlds] == [DAY] * calendar + [new.day] * (len(INPUTS) - calendar)
    assert all(w.facts.previous_stock_dates == (w.day - timedelta(days=1),) for w in worlds)
    rejected = worlds[calendar].references["rejected_rows"]
    assert f"business_date = date '{DAY}' and table_name = 'staging.warehouse_stock'" in rejected


def test_a_line_is_named_by_its_new_side():
    line = Line("A", "S1", "Milk", "Dairy", 1, Decimal("1.00"), "USD")
    assert changes({}, {line.key: line})[line.key].kind == "came"
    assert changes({line.key: line}, {line.key: line}) == {}
