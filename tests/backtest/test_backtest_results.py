"""Policies from files and words, the tables of the results, and the page."""

import re
from decimal import Decimal
from xml.etree import ElementTree

import pytest

from common.backtest.loop import Tally
from common.backtest.page import page
from common.backtest.policy import policy_file, shares
from common.backtest.results import Result, csv_text, markdown_table, text_table
from common.errors import Misconfigured, NoInput, Usage

TALLY = Tally(
    10, demand=3000, met=2345, short_sku_days=4, empty_sku_days=5, stock_unit_days=1001, stock_cent_days=123459,
    orders=3, lines=9,
    units=2400, moq_excess=7, pack_excess=8, other_excess=0, left_units=90, left_cents=12345, coming_cents=100,
)  # fmt: skip
RESULTS = [Result(name, kind, share, TALLY) for kind in ("demo", "fine") for name in ("formula", "<b>&") for share in (50, 100)]
TOLD = {
    "from": "2017-10-01", "to": "2017-12-29", "warm_up_days": 28, "unmet": "lost", "skus": 12345, "left_out": {"no_supplier": 6},
    "stages_left_out": ["ingest", "export_orders"],
}  # fmt: skip


def test_a_policy_file_gives_a_name_and_settings(tmp_path):
    file = tmp_path / "careful.yml"
    file.write_text("name: careful\nsettings: {planning.excess_min_days: 5}\n")
    made = policy_file(str(file), ["business.currency=EUR"])
    assert (made.name, made.settings["planning.excess_min_days"], made.settings["business.currency"]) == ("careful", 5, "EUR")
    file.write_text("settings:\n")
    assert policy_file(str(file), []).name == "careful"


@pytest.mark.parametrize(
    "text, error",
    [
        ("settings: {planning.no_such: 1}", Misconfigured), ("name: [", Misconfigured), ("- 1", Misconfigured),
        ("sql: drop", Misconfigured), ("settings: {planning.history_days: 56}", Usage), ("settings: [a]", Misconfigured),
        ("name: ../x", Usage), (None, NoInput),
    ],
)  # fmt: skip
def test_a_policy_file_that_is_none_is_refused(tmp_path, text, error):
    file = tmp_path / "p.yml"
    if text is not None:
        file.write_text(text)
    with pytest.raises(error):
        policy_file(str(file), [])


def test_shares_are_whole_percents():
    assert shares("1, 0.5,2,0.55") == [50, 55, 100, 200]
    for wrong in ("", "a", "0.555", "-1", "NaN", "101"):
        with pytest.raises(Usage):
            shares(wrong)


def test_percent_and_values_have_two_decimals_and_are_not_rounded_up():
    row = Result("formula", "demo", 100, TALLY).row()
    assert str(row["fill_percent"]) == "78.16"
    assert (row["unmet_units"], row["mean_stock_units"], row["mean_stock_value"]) == (655, 100, Decimal("123.45"))
    assert (str(row["left_value"]), str(row["on_order_value"])) == ("123.45", "1.00")


def test_the_tables_have_a_row_for_each_scenario():
    assert len(csv_text(RESULTS).splitlines()) == len(text_table(RESULTS).splitlines()) == len(RESULTS) + 1
    assert len(markdown_table(RESULTS).splitlines()) == len(RESULTS) + 2


def test_the_page_stands_alone_and_names_stay_text():
    html = page(TOLD, RESULTS, "USD")
    assert not re.search(r"(src|href)=|url\(|@import|https?:", html)
    assert "<b>&" not in html and "&lt;b&gt;&amp;" in html
    for svg in re.findall(r"<svg.*?</svg>", html, re.S):
        ElementTree.fromstring(svg)
    assert html.count('aria-label="Fill rate') == 2
    assert "12,345 SKUs" in html and "6 no supplier" in html
    assert "left out: ingest, export_orders. Receipts come whole" in html


def test_one_scenario_that_holds_nothing_can_be_drawn():
    page(TOLD, [Result("formula", "demo", 100, Tally(1))], "USD")
