"""exceptions.csv: the order of the ranks, exact values, and no cell that a spreadsheet runs."""

import csv
import io
import json
from decimal import Decimal

import pytest
from plan_rows import DAY

from common.publish.export_lists import exception_files, inert

COLUMNS = ("rank", "code", "sku", "cost_at_risk", "message")


def cells(*rows):
    files = exception_files(DAY, COLUMNS, rows)
    table = csv.reader(io.StringIO(files["exceptions.csv"].decode(), newline=""))
    return list(table), json.loads(files["exceptions.json"])["exceptions"]


@pytest.mark.parametrize(
    ("text", "cell"),
    [
        ('=HYPERLINK("http://x")', "'=HYPERLINK(\"http://x\")"),
        ("+1+2", "'+1+2"),
        ("-2+3", "'-2+3"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("  =1", "'  =1"),
        ("\t=1", "'\t'=1"),
        ("\r=1", "'\r'=1"),
        ("＝1", "'＝1"),
        ("'=1", "''=1"),
        ("SKU 1;=1", "SKU 1;'=1"),
        ('SKU 1;"=1', "SKU 1;'\"=1"),
        ("two\n=1", "two\n'=1"),
        ("-", "'-"),
        ("-x10", "'-x10"),
    ],
)
def test_what_begins_like_a_formula_is_a_text(text, cell):
    assert inert(text) == cell
    table, entries = cells((1, "no_supplier", text, None, text))
    assert table[1][3] == table[1][5] == cell
    assert entries[0]["sku"] == text, "the JSON has it as it is"


@pytest.mark.parametrize("text", ["-10", "-10.50", "12", "SKU -1", "a=b", "12 needed, -4 left", "", "S1,=1", "it's"])
def test_what_is_none_stays_as_it_is(text):
    """A number with a sign is no formula, the comma is quoted."""
    assert inert(text) == text


def test_numbers_stay_numbers():
    table, _ = cells((1, "negative_stock", "7", Decimal("-0.50"), "available -10"))
    assert table[1] == ["2017-12-23", "1", "negative_stock", "7", "-0.50", "available -10"]
    assert inert(-3) == -3 and inert(None) is None


def test_the_lines_stand_by_rank():
    table, entries = cells(*((rank, "no_supplier", str(rank), None, "") for rank in (10, 9, 2, 1)))
    assert [row[1] for row in table[1:]] == ["1", "2", "9", "10"]
    assert [entry["rank"] for entry in entries] == [1, 2, 9, 10]
