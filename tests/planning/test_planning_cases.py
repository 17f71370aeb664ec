"""The cases of net demand, decisions and order lines: data beside the models, run on the real Trino."""

from __future__ import annotations

import pytest
from planning_cases import cases

# what goes wrong in other pipelines of this kind; each is ruled out by a case (`guards`) or by a test of its own
FAULTS = {
    "case size read as packs per case",
    "inner join drops SKUs without orders",
    "inner join drops SKUs without a stock row",
    "inner join drops SKUs without a supplier",
    "a default supplier invented",
    "net demand without a date filter",
    "the latest snapshot up to D in place of D's",
    "safety stock by MAX and available by SUM",
    "reserved stock forgotten",
    "the MOQ read and never applied",
    "rounding before the MOQ",
    "rows with a null pack silently dropped",
    "any supplier when none qualifies",
    "retail price taken for cost",
    "a maximum orders nothing in silence",
}


def every(model):
    return [pytest.param(case, id=f"{case.prefix} {case.name}") for case in cases(model)]


@pytest.mark.parametrize("case", every("net_demand"))
def test_net_demand(planned, case):
    rows = [row for row in planned("net_demand") if row["sku"] == case.sku]
    assert len(rows) == 1, "an SKU of master data, demand or stock has one row"
    assert {name: case.unprefixed(rows[0][name]) for name in case.expect} == case.expect


@pytest.mark.parametrize("case", every("order_decisions"))
def test_order_decisions(planned, case):
    rows = [row for row in planned("order_decisions") if row["sku"] == case.sku]
    assert len(rows) == 1, "every SKU ends in exactly one outcome"
    row, expect = rows[0], {k: str(v) if k.endswith("_date") and v else v for k, v in case.expect.items()}
    assert {name: case.unprefixed(row[name]) for name in expect} == expect
    if row["outcome"] == "ordered":
        changes = ("moq", "pack", "level", "maximum", "fill")
        assert row["order_qty"] == row["net_demand_qty"] + sum(row[f"{step}_excess_qty"] for step in changes)
    else:
        assert (row["order_qty"], row["packs"], row["line_cost"], row["due_date"], row["bound_by"]) == (0, 0, None, None, None)


@pytest.mark.parametrize("case", every("purchase_order_lines"))
def test_purchase_order_lines(planned, case):
    rows = [row for row in planned("purchase_order_lines") if row["sku"] == case.sku]
    if case.expect == "no line":
        assert rows == []
        return
    assert len(rows) == 1
    expect = {name: str(value) if name.endswith("_date") else value for name, value in case.expect.items()}
    assert {name: case.unprefixed(rows[0][name]) for name in expect} == expect


def test_every_fault_of_other_pipelines_is_ruled_out():
    guarded = [case.guards for model in ("net_demand", "order_decisions") for case in cases(model) if case.guards]
    assert set(guarded) == FAULTS
