"""The grammar of --set: any text either is a change or is refused with a clear message; nothing of it reaches SQL as it is."""

import re
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from common.errors import Usage
from common.what_if.fields import FIELDS, check
from common.what_if.grammar import LONGEST, Condition, parse
from common.what_if.overlays import overlay
from common.what_if.scenario import parse_all, read_file

DAY = date(2017, 12, 23)
PIECES = st.sampled_from(
    [*FIELDS, "where", "and", "in", "not", "(", ")", ",", "=", "!=", "*", "+", "-", "1.2", "24", "'", "''", "sku", "supplier_id",
     "S42", "--", ";", "drop table", "1e9", "planning.spike_factor", " ", "ä", "\0"]
)  # fmt: skip


@given(st.one_of(st.text(), st.lists(PIECES, max_size=12).map(" ".join), st.lists(PIECES, max_size=12).map("".join)))
@example("moq=24 where supplier_id='S'' or 1=1'")
@example("moq=24; drop table x")
@example("moq = 24 where sku in ()")
def test_any_text_is_a_change_or_is_refused(text):
    try:
        change = parse(text)
        check(change)
    except Usage as refused:
        assert refused.exit_code == 64
        assert len(refused.what) > 20 and refused.where and refused.next
        return
    assert change.name in FIELDS or change.is_setting
    if not change.is_setting:
        assert overlay(change, DAY, lambda table: f"hive.x.{table}").references


TEXT = st.text(min_size=1, max_size=20)


@given(TEXT, st.lists(TEXT, min_size=1, max_size=4), st.sampled_from(["", "not "]))
@example("') or true --", ["a", "'", "--"], "")
def test_a_value_in_quotes_stays_a_value(one, several, negation):
    """Whatever it holds, quotes, keywords, comments: the SQL is that of plain values but for its literals."""

    def quoted(text):
        return "'" + text.replace("'", "''") + "'"

    def skeleton(change):
        made = overlay(change, DAY, "hive.x.{}".format)
        texts = [made.matches, *made.references.values()]
        return [re.sub(r"\('(?:[^']|'')*'(?:, '(?:[^']|'')*')*\)", "(?)", text) for text in texts]

    listed = ", ".join(map(quoted, several))
    change = parse(f"moq = 24 where supplier_id != {quoted(one)} and sku {negation}in ({listed})")
    assert change.conditions == (
        Condition("supplier_id", (one,), True), Condition("sku", tuple(dict.fromkeys(several)), bool(negation)),
    )  # fmt: skip
    check(change)
    assert skeleton(change) == skeleton(parse(f"moq = 24 where supplier_id != x and sku {negation}in (x)"))


SHOWN = {
    "moq=24 where supplier_id=S42": ("moq", "=", "24", (Condition("supplier_id", ("S42",)),)),
    "safety_stock*1.2": ("safety_stock", "*", "1.2", ()),
    "demand*1.3 where sku in (1029743, 1082185)": ("demand", "*", "1.3", (Condition("sku", ("1029743", "1082185")),)),
    "demand-5": ("demand", "-", "5", ()),
    " reserved + 3 WHERE warehouse_id != 'W 1' AND sku NOT IN (a-1, b.2)": (
        "reserved", "+", "3", (Condition("warehouse_id", ("W 1",), True), Condition("sku", ("a-1", "b.2"), True)),
    ),
    "status=blocked where department='MEAT & FISH'": ("status", "=", "blocked", (Condition("department", ("MEAT & FISH",)),)),
    "is_active=false where supplier_id = 'O''Hara'": ("is_active", "=", "false", (Condition("supplier_id", ("O'Hara",)),)),
    "planning.spike_factor=3": ("planning.spike_factor", "=", "3", ()),
}  # fmt: skip


@pytest.mark.parametrize("text", SHOWN)
def test_what_is_meant_is_read(text):
    found = parse_all([text])[0]
    assert (found.name, found.operation, found.value, found.conditions) == SHOWN[text]


REFUSED = {
    "": "the name of a field is expected, not the end",
    "moq": "`=` or `*` or `+` or `-` is expected, not the end",
    "moq=": "a value is expected, not the end",
    "MOQ=24": "the name of a field or a setting is expected",
    "colour=24": "there is no field 'colour'",
    "moq=24 where": "the name of a column is expected, not the end",
    "moq=24 where store_id=1": "moq can't be chosen by 'store_id'",
    "moq=24 where sku in (1": "`,` or `)` is expected, not the end",
    "moq=24 where sku in ()": "a value is expected",
    "moq=24 where sku not = 1": "`in` is expected",
    "moq=24 or 1=1": "`where`, `and` or the end is expected, not 'or'",
    "moq=24; drop table x": "';' has no meaning here",
    "moq=24 -- all": "`where`, `and` or the end is expected, not '-'",
    "moq='24": "a quote is opened and not closed",
    "moq=-1": "a value is expected, not '-'",
    "moq=0": "moq is at least 1",
    "moq=1.5": "1.5 is not a whole number",
    "moq=1e3": "'1e3' is not a number",
    "moq=2 4": "`where`, `and` or the end is expected, not '4'",
    "moq=9999999999999999999": "more than 18 digits",
    "moq=٢٤": "is not a number",
    "demand*1.0000001": "more than 18 digits or 6 decimals",
    "demand*1000001": "a factor is at most 1,000,000",
    "demand=5 where store_id=1": "demand can only be scaled",
    "unit_cost=1.234": "is not an amount with two decimals",
    "is_active*2": "is_active is set with = to one of true, false",
    "status=gone": "status is set with = to one of active, run_out, blocked",
    "spark.master=local": "only those under planning.",
    "planning.open_order_grace_days=0": "decides what a night reads",
    "planning.missing_store_weekdays=8": "decides what a night reads",
    "level_share_percent=101": "level_share_percent is at most 100",
    "planning.spike_factor=3 where sku=1": "a setting is set with = and has no conditions",
    "moq=24 where sku=1" + "x" * LONGEST: "longer than",
}


@pytest.mark.parametrize("text", REFUSED, ids=lambda text: text[:40])
def test_what_is_not_in_it_is_refused_with_the_reason(text):
    with pytest.raises(Usage, match=re.escape(REFUSED[text])) as refused:
        parse_all([text])
    assert "--help" in refused.value.next


def test_no_change_is_no_what_if():
    with pytest.raises(Usage, match="needs a change"):
        parse_all([])


@given(st.sampled_from(sorted(FIELDS)), st.sampled_from("=*+-"), st.decimals(0, 10**12, places=2))
def test_numbers_are_read_exactly(name, operation, number):
    change = parse(f"{name}{operation}{number}")
    assert change.number == Decimal(str(number)) and change.operation == operation


def test_a_file_says_what_the_command_line_would():
    assert read_file("name: big\nset: ['moq=24', 'safety_stock*1.2']", "f") == ("big", ["moq=24", "safety_stock*1.2"])
    for text in ("- moq=24", "set: moq=24", "set: [1]", "sets: []", "name: 3\nset: []", "set: [", "{1: 2}", ""):
        with pytest.raises(Usage) as refused:
            read_file(text, "what-if.yml")
        assert refused.value.where == "what-if.yml"
