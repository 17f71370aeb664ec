"""The steps of an order decision in words."""

import re

import pytest

from common.contracts import contract
from common.planning_steps import OUTCOMES, STEPS, reason, sentence, trail

COLUMNS = {c.name: c for c in contract("planning.order_decisions").columns}
ORDERED = {
    "outcome": "ordered", "supplier_id": "S", "moq": 50, "pack_size": 12, "net_demand_qty": 10, "after_moq_qty": 50,
    "after_pack_qty": 60, "order_qty": 60, "requirement_qty": 12, "safety_stock_qty": 3, "position_qty": 5,
}  # fmt: skip
NOT_REACHED = {"after_moq_qty": None, "after_pack_qty": None, "order_qty": 0}
NO_MOQ = {"moq": 1, "after_moq_qty": 10}
OPTIONS = {"max_order_qty": 100, "after_level_qty": 144, "after_maximum_qty": 96, "after_fill_qty": 108, "order_qty": 108}


def decided(**differs):
    """A decision that differs from ORDERED; what is None was not reached."""
    return ORDERED | differs


def test_what_is_on_order_is_told_where_it_is_why_there_is_enough():
    enough = decided(outcome="enough_stock", position_qty=0, requirement_qty=40, safety_stock_qty=20)
    assert reason(enough) == "there is enough: 0 free, 40 required and 20 of safety stock"
    on_order = enough | {"on_order_qty": 1060}
    assert reason(on_order) == "there is enough: 0 free and 1,060 on order, 40 required and 20 of safety stock"


@pytest.mark.parametrize(
    ("differs", "says"),
    [
        ({}, "60 ordered from S: need 10, lifted to the MOQ 50, then to 5 packs of 12"),
        (NO_MOQ | {"after_pack_qty": 12, "order_qty": 12}, "12 ordered from S: need 10, rounded up to 1 pack of 12"),
        (NO_MOQ | {"pack_size": 10, "after_pack_qty": 10, "order_qty": 10}, "10 ordered from S: need 10, exactly 1 pack of 10"),
        (NO_MOQ | {"pack_size": 1, "after_pack_qty": 10, "order_qty": 10}, "10 ordered from S: need 10"),
        (
            {"moq": 1200, "after_moq_qty": 1200, "after_pack_qty": 1200, "order_qty": 1200},
            "1,200 ordered from S: need 10, lifted to the MOQ 1,200",
        ),
        (
            OPTIONS,
            "108 ordered from S: need 10, lifted to the MOQ 50, then to 5 packs of 12, then to the pack level 144, "
            "then cut to 96 by the maximum 100, then filled up to 108 for the supplier's minimum",
        ),
        (
            NOT_REACHED | {"outcome": "enough_stock", "net_demand_qty": 0},
            "not ordered, there is enough: 5 free, 12 required and 3 of safety stock",
        ),
        (
            NOT_REACHED | {"outcome": "no_supplier", "no_supplier_reason": "inactive"},
            "not ordered, every supplier that is valid on the date is inactive: need 10",
        ),
        (
            NOT_REACHED | {"outcome": "held", "hold_reason": "rejected_stock_row", "net_demand_qty": None},
            "not ordered, held, a stock row of it was rejected and its stock is not known",
        ),
        (
            {"outcome": "held_spike", "order_qty": 0},
            "not ordered, held back for a demand spike: need 10, lifted to the MOQ 50, then to 5 packs of 12",
        ),
    ],
)
def test_the_sentence(differs, says):
    assert sentence(decided(**differs)) == says


@pytest.mark.parametrize(
    "differs",
    [
        {},
        OPTIONS,
        NOT_REACHED | {"outcome": "no_supplier"},
        NOT_REACHED | {"outcome": "held", "net_demand_qty": None},
        {"outcome": "held_spike", "order_qty": 0},
    ],
)
def test_the_differences_add_up_to_the_order(differs):
    decision = decided(**differs)
    assert sum(moved.change for moved in trail(decision)) == decision["order_qty"]


def test_every_outcome_of_the_contract_has_its_reason():
    listed = set(re.findall(r"\b[a-z]+(?:_[a-z]+)*\b(?= \(|;|$)", COLUMNS["outcome"].description.partition(": ")[2]))
    assert listed >= {"ordered", "enough_stock", "unknown_sku"}
    assert listed - {"ordered"} <= set(OUTCOMES)
    for outcome in OUTCOMES:
        assert reason(decided(outcome=outcome, no_supplier_reason="not_mapped", product_status="blocked", hold_reason=None))


def test_what_a_sentence_names_is_a_column():
    own = {"quantity", "change", "packs"}
    for step in STEPS:
        if step.column in COLUMNS:
            assert set(re.findall(r"{(\w+)}", step.sentence + step.later)) - own <= set(COLUMNS)
    bound_by = {step.code for step in STEPS}
    assert {"need", "moq", "pack"} <= bound_by
