"""The screen of an explanation: what it says, that it fits the terminal, and that it shows what the terminal can show."""

import re
from datetime import date, timedelta
from decimal import Decimal

import pytest
from sample import DAY, facts, lineage, offer

from common.explain.explanation import explanation
from common.explain.screen import screen
from common.terminal import Terminal

PLAIN = Terminal(is_unicode=False, encoding="ascii")
NOT_REACHED = {
    "after_moq_qty": None, "moq_excess_qty": None, "after_pack_qty": None, "pack_excess_qty": None, "bound_by": None,
    "order_qty": 0, "packs": 0, "line_cost": None, "due_date": None,
}  # fmt: skip


def shown(terminal=PLAIN, **differs):
    """The screen of the sample's SKU, as one line without double spaces for what is wrapped."""
    return screen(explanation(facts(**differs), lineage(), 5), terminal)


def flat(text):
    return re.sub(r"\s+", " ", text)


def test_one_screen_says_it_all():
    text = flat(shown())
    for said in (
        "1029743 Whole milk 1 gal 2017-12-23",
        "60 ordered from S: need 10, lifted to the MOQ 50, then to 5 packs of 12",
        "demand 12 + safety stock 3 - (available 6 - reserved 1) = 10",
        "7 order lines; safety stock of the rule (the snapshots say 4); 2 stock rows",
        "steps need 10 +10 MOQ 50 50 +40 packs of 12 60 +10 what decided order 60 0",
        "5 packs of 12 at 2.31 = 138.60 USD, due 2017-12-27 (4 days)",
        "MOQ by the rule, pack by the product, lead time by the supplier 20171223-S line 3",
        "S chosen: first by priority (1)",
        "7 order lines in 1 file of /raw/orders/2017-12-23/, 12 units: store_0042.jsonl:11 6 order O1 line 1, store 42",
        "and 2 more with 2 units",
        "W2.csv:17 available 3 reserved 1 safety stock 2",
        "run 7 (all) 2017-12-24 03:05 UTC, code cccccccccccc (another here)",
        "/raw/master/ manifest mastermaster staged by run 7",
        "numbers agree",
    ):
        assert said in text, said
    assert len(shown().splitlines()) <= 45


@pytest.mark.parametrize("width", [60, 80, 120])
@pytest.mark.parametrize("name", ["Whole milk 1 gal", "A" * 300])
def test_no_line_is_wider_than_the_terminal(width, name):
    product = {"name": name, "base_unit": "each", "pack_size": 12, "status": "active"}
    lines = shown(Terminal(width), product=product).splitlines()
    assert max(map(len, lines)) <= width


def test_without_block_characters_everything_is_ascii():
    product = {"name": "Crème fraîche", "base_unit": "each", "pack_size": 12, "status": "active"}
    text = shown(product=product)
    assert text.isascii() and "Cr?me fra?che" in text and " # " in text


def test_a_terminal_that_can_shows_blocks():
    assert "█" in shown(Terminal())


def test_what_a_terminal_would_obey_is_not_printed():
    product = {"name": "Milk\x1b[2J\x07\u202e\nSKU", "base_unit": "each", "pack_size": 12, "status": "active"}
    text = shown(Terminal(is_coloured=True), product=product)
    assert "Milk?[2J???SKU" in text
    assert not re.search(r"\x1b(?!\[[0-9]+m)|[\x07\u202e]", text)


def test_colours_only_where_there_are_some():
    assert "\x1b[" not in shown(Terminal())
    assert "\x1b[1m" in shown(Terminal(is_coloured=True))
    assert re.sub(r"\x1b\[\d+m", "", shown(Terminal(is_coloured=True))) == shown(Terminal())


def test_why_the_other_suppliers_were_not_chosen():
    offers = [
        offer("U", priority=1),
        offer("S", priority=2),
        offer("T", priority=3),
        offer("T", priority=4, valid_to=date(2017, 12, 22)),
        offer("T", priority=5, valid_from=date(2017, 12, 24)),
    ]
    text = flat(shown(offers=offers, decision={"supplier_priority": 2, "passed_over_supplier_id": "U"}))
    for said in (
        "U not chosen: the supplier is inactive (priority 1)",
        "S chosen: first by priority (2)",
        "T not chosen: priority 3 comes after S",
        "T not chosen: valid until 2017-12-22 (priority 4)",
        "T not chosen: valid from 2017-12-24 (priority 5)",
        "numbers agree",
    ):
        assert said in text, said


def test_without_an_order_the_outcome_says_why():
    text = flat(shown(
        offers=[offer("U")],
        decision=NOT_REACHED | {
            "outcome": "no_supplier", "no_supplier_reason": "inactive", "supplier_id": None, "supplier_name": None,
            "supplier_priority": None, "passed_over_supplier_id": "U", "unit_cost": None, "currency": None,
            "order_currency": None, "lead_time_days": None, "lead_time_source": None,
        },
    ))  # fmt: skip
    assert "not ordered, every supplier that is valid on the date is inactive: need 10" in text
    assert "need 10 +10 order 0 -10 every supplier" in text
    assert "numbers agree" in text


def test_exceptions_in_the_order_to_work_in_with_their_age():
    usual = {"severity": "warning", "message": "2 left", "action": "Ask.", "currency": "USD"}
    rows = [
        usual | {"code": "demand_spike", "rank": 9, "state": "open", "nights_open": 3, "cost_at_risk": None},
        usual | {"code": "possible_shortage", "rank": 4, "state": "new", "nights_open": 1, "cost_at_risk": Decimal("1234.50")},
    ]
    said = "warning possible_shortage, new, 1,234.50 USD at risk: 2 left. Ask. warning demand_spike, for 3 nights: 2 left. Ask."
    assert said in flat(shown(exceptions=rows))
    older = [{k: v for k, v in usual.items() if k != "currency"} | {"code": "demand_drop"}]
    assert "warning demand_drop: 2 left. Ask." in flat(shown(exceptions=older))


QUIET = {"after_level_qty": 60, "after_maximum_qty": 60, "after_fill_qty": 60, "max_order_qty": None}
FILLED = QUIET | {
    "after_fill_qty": 84, "bound_by": "fill", "order_qty": 84, "packs": 7, "line_cost": Decimal("194.04"),
    "fill_note": "2 for it",
}  # fmt: skip


@pytest.mark.parametrize(
    ("decision", "steps", "checked"),
    [
        (QUIET, "packs of 12 60 +10 what decided order 60 0", "numbers agree"),
        (QUIET | {"after_level_qty": 72, "max_order_qty": 70, "bound_by": "maximum"},
         "packs of 12 60 +10 pack level 72 +12 maximum 70 60 -12 what decided order 60 0", "numbers agree"),
        (FILLED, "packs of 12 60 +10 supplier minimum 84 +24 2 for it order 84 0", "numbers agree"),
        (FILLED | {"max_order_qty": 72}, "supplier minimum 84", "after_fill_qty: stored 84, computed 60"),
        (QUIET | {"after_level_qty": 72}, "pack level 72 +12 maximum not known 60 -12", "level_qty: stored 72, computed 60"),
    ],
)  # fmt: skip
def test_steps_of_options_are_told_where_they_changed_something(decision, steps, checked):
    levels = {"offers": [offer("S", layer_size=72)], "settings": {"planning.level_share_percent": 20}}
    text = flat(shown(decision=decision, **(levels if decision.get("max_order_qty") == 70 else {})))
    assert steps in text and checked in text


def test_order_up_to_shows_its_window_and_what_is_on_order():
    policy = {
        "policy": "order_up_to", "policy_source": "supplier", "policy_fallback": None, "window_demand_qty": 70, "window_days": 28,
        "horizon_days": 5, "on_order_qty": 1, "requirement_qty": 13,
    }  # fmt: skip
    rows = [{"order_number": "20171220-S", "order_date": date(2017, 12, 20), "due_date": date(2017, 12, 24), "released_qty": 1,
             "open_qty": 1, "is_closed": False}]  # fmt: skip
    settings = {"planning.policy": "order_up_to"}
    text = flat(shown(decision=policy | {"policy_source": "default"}, open_orders=rows, settings=settings))
    assert "numbers agree" in text
    assert "on_order_qty: stored 1, computed 0" in flat(shown(decision=policy | {"policy_source": "default"}, settings=settings))
    text = flat(shown(decision=policy))
    assert "requirement 13: demand of 28 days, 70, over the 5 days to cover, rounded up" in text
    assert "requirement 13 + safety stock 3 - (available 6 - reserved 1) - on order 1 = 10" in text
    assert "numbers agree" in text
    assert "requirement_qty: stored 12, computed 13" in flat(shown(decision=policy | {"requirement_qty": 12}))
    assert "the formula decided, not order_up_to: too few days" in flat(shown(decision={"policy_fallback": "few_days"}))


def test_a_closed_receiver_moves_the_due_date_on_and_nothing_moves_it_back():
    on, back = ({"due_date": date(2017, 12, day)} for day in (28, 26))
    assert "numbers agree" in flat(shown(decision=on))
    assert "due_date: stored 2017-12-26, computed 2017-12-27" in flat(shown(decision=back))


def test_a_sku_that_only_fills_an_order_up():
    none = dict.fromkeys(("after_moq_qty", "after_pack_qty", "after_level_qty", "after_maximum_qty", "net_demand_qty"), 0)
    none |= {"moq_excess_qty": 0, "pack_excess_qty": 0}
    stock = [{"warehouse_id": "W1", "available_qty": 15, "reserved_qty": 0, "safety_stock_qty": None, "source_file": "W1.csv",
              "source_line": 9}]  # fmt: skip
    need = {
        "available_qty": 15, "reserved_qty": 0, "free_qty": 15, "stock_row_count": 1, "snapshot_safety_stock_qty": None,
        "net_demand_qty": 0,
    }  # fmt: skip
    rows = {"stock": stock, "need": need, "decision": none | {"position_qty": 15, "after_fill_qty": 60, "bound_by": "fill"}}
    text = flat(shown(**rows))
    assert "60 ordered from S: need 0, filled up to 60 for the supplier's minimum" in text
    assert "supplier minimum 60 +60" in text and "numbers agree" in text
    rows["decision"] |= {"after_fill_qty": 48, "order_qty": 48, "packs": 4, "line_cost": Decimal("110.88")}
    assert "outcome: stored ordered, computed enough_stock" in flat(shown(**rows))  # 48 is under the MOQ


def test_a_sku_that_nobody_asks_for_has_no_empty_plot():
    text = shown(history={DAY - timedelta(days=1): 0}, need={"demand_qty": 0}, order_lines=[])
    assert "no unit on the 1 days before" in text and "units a day" not in text
    assert "no order line of /raw/orders/2017-12-23/ counts" in text


def test_what_is_on_its_way_is_shown():
    rows = [
        {"order_number": f"2017122{n}-S", "order_date": date(2017, 12, 20 + n), "due_date": date(2017, 12, 24 + n),
         "released_qty": 24, "open_qty": 24 - 12 * n, "is_closed": n == 2} for n in (0, 1, 2)
    ]  # fmt: skip
    said = "on order 36 units, which the policy formula does not count: 20171220-S 24 of 24, due 2017-12-24 20171221-S 12 of 24"
    assert said in flat(shown(open_orders=rows))
    assert "on order" not in shown(open_orders=rows[2:])


def test_a_held_sku_shows_what_is_not_known():
    text = flat(shown(
        decision=NOT_REACHED | {"outcome": "held", "net_demand_qty": None},
        need={"net_demand_qty": None, "hold_reason": "rejected_stock_row", "rejected_stock_row_count": 1},
        rejected=[{"table_name": "staging.warehouse_stock", "action": "reject", "source_file": "W3.csv", "source_line": 9,
                   "reasons": ["available_missing"]}],
    ))  # fmt: skip
    assert "not ordered, held, a stock row of it was rejected and its stock is not known" in text
    assert "need not known 0" in text
    assert "W3.csv:9 rejected available_missing" in text
    assert "numbers agree" in text


@pytest.mark.parametrize(
    ("rows", "says"),
    [
        ({"decision": {"order_qty": 48, "packs": 4}}, "planning.order_decisions.order_qty: stored 48, computed 60"),
        ({"need": {"demand_qty": 13}}, "planning.net_demand.demand_qty: stored 13, computed 12"),
        ({"decision": {"after_moq_qty": 49}}, "planning.order_decisions.after_moq_qty: stored 49, computed 50"),
        ({"decision": {"supplier_id": "T"}}, "planning.order_decisions.supplier_id: stored T, computed S"),
        ({"decision": {"outcome": "enough_stock"}}, "planning.order_decisions.outcome: stored enough_stock, computed ordered"),
        ({"line": None}, "planning.purchase_order_lines.order_qty: stored None, computed 60"),
    ],
)
def test_a_number_that_differs_is_said(rows, says):
    text = flat(shown(**rows))
    assert "DISAGREE" in text and says in text


def test_a_day_that_is_missing_is_not_a_day_of_zero():
    text = shown(history={date(2017, 12, 21): 0, date(2017, 12, 22): None})
    assert re.search(r"0 \|T\s+\?\s+S$", text, re.M)
    assert "? = 1 of 2 days without published order lines" in flat(text)
    assert DAY not in facts().history
