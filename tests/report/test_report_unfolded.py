"""What unfolds under a line, in a real browser: each policy and each option of an order tells its own steps."""

import json

import pytest
from night_sample import DAY, DAYS, WINDOW, decision, order

from common.report.facts import Facts
from common.report.render import report
from common.report.view import Exported

LATER = ("after_level_qty", "after_maximum_qty", "after_fill_qty")


def decided(sku, need, moved, **differs):
    """A decision of the night with all its steps: `moved` are the units after MOQ, pack, level, maximum and minimum."""
    moq, pack, *later = moved
    own = {"after_moq_qty": moq, "after_pack_qty": pack, **dict(zip(LATER, later, strict=True))}
    return decision(sku, "S1", need, moq=1, **own, **differs)


DECISIONS = {
    "covers": decided(
        "covers", 10, (10, 60, 60, 60, 60), policy="order_up_to", horizon_days=5, window_demand_qty=40, window_days=10,
        requirement_qty=20, safety_stock_qty=5, position_qty=3, on_order_qty=12, passed_over_supplier_id="S0",
    ),
    "level": decided("level", 40, (40, 48, 60, 60, 60), bound_by="level"),
    "maximum": decided("maximum", 1000, (1000, 1008, 1008, 60, 60), bound_by="maximum", max_order_qty=70),
    "filled": decided("filled", 10, (10, 12, 12, 12, 60), bound_by="fill"),
    "filler": decided("filler", 0, (0, 0, 0, 0, 60), bound_by="fill"),
}  # fmt: skip
TABLES = "[...document.querySelectorAll('{} table')].map((t) => [...t.rows].map((r) => [...r.cells].map((c) => c.textContent)))"


@pytest.fixture
def page(tab, tmp_path):
    file = tmp_path / "report.html"
    exported = Exported(DAY, 7, [(order("S1", *DECISIONS), 1, "S1.json")])
    file.write_bytes(report(exported, Facts(DECISIONS, {}, DAYS, ()), WINDOW, ".."))
    tab.open(file)
    yield tab
    assert tab.complaints() == []


def unfolded(page, sku):
    """The tables under the line of a SKU: need, steps (name and change where there is one), terms; and what is told."""
    line = f"#L0\\\\.{list(DECISIONS).index(sku) + 1}"
    page.js(f"document.querySelector('#O0').open = document.querySelector('{line}').open = true")
    page.js("new Promise((done) => setTimeout(done, 500))")
    need, steps, terms = page.js(TABLES.format(line))
    changes = {name: change for name, _, change in steps[1:] if change != "0"}
    return need, changes, terms, page.js(f"document.querySelector('{line} p').textContent")


def test_the_need_of_order_up_to_is_coverage_less_what_is_on_order(page):
    need, steps, terms, told = unfolded(page, "covers")
    assert need == [
        ["demand of 5 days, 40 in 10 days", "20"], ["+ safety stock", "5"], ["− free stock (available − reserved)", "3"],
        ["− on order", "12"], ["= need, never under 0", "10"],
    ]  # fmt: skip
    assert steps == {"need": "+10", "pack": "+50"}
    assert ["policy", "order_up_to"] in terms and ["passed over, inactive", "S0"] in terms
    assert told == "60 ordered from S1: need 10, rounded up to 5 packs of 12"


@pytest.mark.parametrize(
    ("sku", "changes", "says"),
    [
        ("level", {"need": "+40", "pack": "+8", "pack level": "+12"}, "then to the pack level 60"),
        ("maximum", {"need": "+1,000", "pack": "+8", "maximum": "−948"}, "cut to 60 by the maximum 70"),
        ("filled", {"need": "+10", "pack": "+2", "supplier minimum": "+48"}, "filled up to 60 for the supplier's minimum"),
        ("filler", {"supplier minimum": "+60"}, "need 0, filled up to 60 for the supplier's minimum"),
    ],
)
def test_each_option_is_a_step_with_what_it_added_or_took(page, sku, changes, says):
    _, steps, _, told = unfolded(page, sku)
    assert steps == changes and says in told
    added = sum(int(text.replace("−", "-").replace(",", "")) for text in steps.values())
    assert added == 60


@pytest.mark.parametrize(("bound", "count"), [("level", 1), ("maximum", 1), ("fill", 2), ("pack", 1), ("moq", 0)])
def test_lines_are_found_by_what_decided_them(page, bound, count):
    page.js(
        "(() => { const field = document.querySelector('form[data-filters=orders]').elements.bound;"
        f" field.value = {json.dumps(bound)}; field.dispatchEvent(new Event('input', {{ bubbles: true }})); }})()"
    )
    page.js("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(done))))")
    assert page.js("document.querySelectorAll('.line:not([hidden])').length") == count
