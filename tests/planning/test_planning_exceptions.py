"""Exceptions: each code raised and not raised, the numbers and the sentence; the closed list is closed."""

from __future__ import annotations

import re
from dataclasses import replace
from fractions import Fraction

import pytest
from planning_cases import cases, frame, place
from planning_world import FACTS, World, plan

from common.exceptions.codes import SEVERITIES, exception_codes
from common.planning import model_text

CASES = cases("exceptions")
TOGETHER = [pytest.param(case, id=f"{case.prefix} {case.name}") for case in CASES if case.alone is None]
ALONE = [pytest.param(case, id=f"{case.prefix} {case.name}") for case in CASES if case.alone is not None]


def judge(case, rows):
    """Everything that was raised is expected, everything expected was raised, with its numbers."""
    raised = {row["code"]: row for row in rows}
    assert sorted(raised) == sorted(case.expect), rows
    assert len(raised) == len(rows), "one line a code and subject"
    codes = {code.code: code for code in exception_codes()}
    for code, numbers in case.expect.items():
        assert {name: case.unprefixed(raised[code][name]) for name in numbers} == numbers
        assert (raised[code]["severity"], raised[code]["action"]) == (codes[code].severity, codes[code].action)
        assert "null" not in raised[code]["message"]


@pytest.mark.parametrize("case", TOGETHER)
def test_raised_and_not_raised(planned, case):
    judge(case, [row for row in planned("exceptions") if case.prefix in row["subject"]])


@pytest.mark.parametrize("case", ALONE)
def test_a_world_of_its_own(trino, case):
    world = frame(World())
    if not case.alone.get("empty_day"):
        world.add("pos_order_lines", sku="frame")
    place(world, case)
    if case.given.get("demand") not in ("none", None) and not case.alone.get("empty_day"):
        world.rows["pos_order_lines"] = [row for row in world.rows["pos_order_lines"] if row["sku"] != "frame"]
    facts = replace(FACTS, published_days=case.alone.get("published_days", 28))
    judge(case, plan(trino, world, facts=facts, settings=case.alone.get("settings"))["exceptions"])


def test_the_ranks_by_plain_python(planned):
    """What is at risk in money, then in days, then severity and subject; an error without a bound comes first."""
    rows = planned("exceptions")
    priced = [row for row in rows if row["cost_at_risk"] is not None]
    dated = [row for row in priced if row["days_at_risk"] is not None]

    def mean(lines, size):
        """Cost of a day or unit at risk, in cents, half a cent up."""
        cost = sum(Fraction(line["cost_at_risk"]) for line in lines)
        return Fraction(int(cost * 100 / sum(size(line) for line in lines) + Fraction(1, 2)), 100)

    def days(row):
        return max(row["days_at_risk"], 1)

    day, unit = mean(dated, days), mean(priced, lambda row: row["at_risk_qty"])

    def key(row):
        risk, cost, is_dated = row["at_risk_qty"], row["cost_at_risk"], row["days_at_risk"] is not None
        money = Fraction(cost) if cost is not None else days(row) * day if is_dated else (risk or 0) * unit
        unbounded = risk is None and row["severity"] == "error"
        order = SEVERITIES.index(row["severity"]), row["subject"], row["code"]
        return not unbounded, -money, not is_dated, -(row["days_at_risk"] or 0), *order

    assert [row["rank"] for row in sorted(rows, key=key)] == list(range(1, len(rows) + 1))
    assert any(row["at_risk_qty"] is None and row["severity"] != "error" for row in rows)


def test_nothing_but_cases_raised(planned):
    day_level = {"rejected_rows"}
    strangers = [row for row in planned("exceptions") if not re.search(r"c\d\d\d", row["subject"])]
    assert {row["code"] for row in strangers} <= day_level


def test_each_code_has_a_case_that_raises_it_and_one_that_does_not():
    """On both sides exactly the closed list; a case that spares a code is a near miss of it, and does not raise it."""
    closed = {code.code for code in exception_codes()}
    assert {code for case in CASES for code in case.expect} == closed
    assert {case.spares for case in CASES} - {None} == closed
    assert not [case.name for case in CASES if case.spares in case.expect]


def test_the_model_knows_exactly_the_closed_list():
    quoted = set(re.findall(r"'([a-z_]+)'", model_text("exceptions")))
    codes = {code.code for code in exception_codes()}
    assert codes <= quoted, f"never raised: {codes - quoted}"


def test_every_code_says_when_and_what_to_do():
    for code in exception_codes():
        assert code.raised.endswith(".") and code.action.endswith("."), code.code
        assert code.severity in SEVERITIES
