"""Rows of the plan become order files: the same bytes in any order of rows, and never one that breaks the schema."""

import copy
import json
import random
from datetime import date
from decimal import Decimal
from pathlib import Path
from urllib.parse import unquote

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from plan_rows import DAY, line, orders

from common.errors import BadData, Failure
from common.publish.order_files import add_exactly, document, file_name, file_names, money, order_bytes, render, validate
from common.settings import ROOT

GOLDEN = Path(__file__).parent / "golden" / "20171223-S0042.json"
NAME = 'Hartmann "Dairy" Käserei'
TWO_LINES = [
    line(supplier_name=NAME),
    line(
        supplier_name=NAME, line_no=2, sku="999", product_name="", packs=4503599627370497, pack_size=2,
        unit_cost="9999999999.99", due_date=date(2017, 12, 30),
    ),
]  # fmt: skip


def test_an_order_file_is_the_golden_one():
    (order,) = orders(*TWO_LINES)
    assert order_bytes(order, 1) == GOLDEN.read_bytes()


def test_the_published_example_is_in_the_format():
    (order,) = orders(line())
    tree = document(order, 1)
    assert tree["lines"][0].pop("due_date") == "2017-12-27"
    assert tree == {
        "schema_version": 1,
        "order_number": "20171223-S0042",
        "revision": 1,
        "business_date": "2017-12-23",
        "supplier": {"supplier_id": "S0042", "name": "Hartmann Dairy"},
        "currency": "USD",
        "lines": [
            {
                "line_no": 1, "sku": "1029743", "name": "Whole milk 1 gal", "order_qty": 60, "packs": 5, "pack_size": 12,
                "unit_cost": "2.31", "line_cost": "138.60",
            }
        ],
        "totals": {"lines": 1, "order_qty": 60, "cost": "138.60"},
    }  # fmt: skip


def test_the_order_of_rows_leaves_no_trace():
    rows = [line(f"S{s}", n, f"{n}") for s in range(20) for n in range(1, 6)]
    wanted = [order_bytes(order, 1) for order in orders(*rows)]
    for seed in range(20):
        shuffled = random.Random(seed).sample(rows, len(rows))
        assert [order_bytes(order, 1) for order in orders(*shuffled)] == wanted


@example([(599_922_015_201, 27786, 599_922_014_497)])  # 29 digits: one more than Python's decimals keep by default
@given(st.lists(st.tuples(st.integers(1, 2**40), st.integers(1, 2**22), st.integers(0, 10**12 - 1)), min_size=1, max_size=8))
def test_money_and_quantities_are_exact(lines):
    rows = [
        line(line_no=n, sku=f"{n:03}", packs=packs, pack_size=size, unit_cost=Decimal(cents).scaleb(-2))
        for n, (packs, size, cents) in enumerate(lines, 1)
    ]
    (order,) = orders(*rows)
    tree = json.loads(order_bytes(order, 1))
    validate(render(tree), "S0042.json")
    assert tree["totals"]["order_qty"] == sum(packs * size for packs, size, _ in lines)
    cents = sum(packs * size * cents for packs, size, cents in lines)
    assert tree["totals"]["cost"] == f"{cents // 100}.{cents % 100:02}"
    assert all(entry["order_qty"] == entry["packs"] * entry["pack_size"] for entry in tree["lines"])


def test_a_sum_past_28_digits_is_not_rounded():
    assert add_exactly([Decimal("99999999999999999999999999999.99")] * 2) == Decimal("199999999999999999999999999999.98")
    assert money(Decimal("5")) == "5.00"
    with pytest.raises(Failure, match="more than two decimals"):
        money(Decimal("1.005"))


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([line(product_name=None)], "product_name is null"),
        ([line(order_qty=61)], "5 packs of 12 are not 61"),
        ([line(line_cost=Decimal("138.61"))], "60 at 2.31 do not cost 138.61"),
        ([line(line_no=2)], "not numbered from 1 without gaps"),
        ([line(), line()], "not numbered from 1 without gaps"),
        ([line(), line(line_no=2)], "SKU 1029743 is ordered twice"),
        ([line(), line(line_no=2, sku="1")], "SKU 1 comes after 1029743"),
        ([line(order_number="20171224-S0042")], "not the number of that order"),
        ([line(), line(line_no=2, sku="2", currency="EUR")], "one currency, not both EUR and USD"),
        ([line(), line(line_no=2, sku="2", supplier_name="Other")], "one supplier_name, not both"),
    ],
)
def test_a_plan_that_contradicts_itself_is_not_exported(rows, message):
    with pytest.raises(BadData, match=message) as failure:
        orders(*rows)
    assert "planning.purchase_order_lines" in failure.value.where


ABSENT = "(absent)"
BROKEN = [  # path, value: each breaks one constraint of the schema
    (("schema_version",), 2),
    (("schema_version",), ABSENT),
    (("order_number",), ABSENT),
    (("order_number",), "2017-12-23-S0042"),
    (("order_number",), 20171223),
    (("order_number",), "20171223-" + "x" * 101),
    (("revision",), ABSENT),
    (("revision",), 0),
    (("revision",), 2**31),
    (("revision",), "1"),
    (("revision",), 1.5),
    (("business_date",), ABSENT),
    (("business_date",), "20171223"),
    (("business_date",), "2017-02-30"),
    (("business_date",), "2017-12-23\n"),
    (("supplier",), ABSENT),
    (("supplier",), "S0042"),
    (("supplier", "supplier_id"), ABSENT),
    (("supplier", "supplier_id"), ""),
    (("supplier", "supplier_id"), 42),
    (("supplier", "supplier_id"), "x" * 101),
    (("supplier", "name"), ABSENT),
    (("supplier", "name"), None),
    (("supplier", "email"), "a@example.org"),
    (("currency",), ABSENT),
    (("currency",), "usd"),
    (("currency",), "USD\n"),
    (("currency",), None),
    (("lines",), ABSENT),
    (("lines",), []),
    (("lines",), {}),
    (("lines", 0), "1029743"),
    (("lines", 0, "note"), "urgent"),
    (("lines", 0, "line_no"), 0),
    (("lines", 0, "line_no"), 2**31),
    (("lines", 0, "line_no"), "1"),
    (("lines", 0, "sku"), ""),
    (("lines", 0, "sku"), 1029743),
    (("lines", 0, "sku"), "x" * 101),
    (("lines", 0, "name"), None),
    (("lines", 0, "due_date"), "2017-13-01"),
    (("lines", 0, "due_date"), "2017-12-27T00:00:00Z"),
    (("lines", 0, "due_date"), None),
    *((("lines", 0, name), ABSENT) for name in document(orders(line())[0], 1)["lines"][0]),
    *((("lines", 0, name), bad) for name in ("order_qty", "packs", "pack_size") for bad in (0, -12, 2**63, 1.5, "60", None)),
    *(
        (("lines", 0, name), bad)
        for name in ("unit_cost", "line_cost")
        for bad in (2.31, 2, "2.3", "2.310", "2,31", "-2.31", "02.31", ".31", "2e0", " 2.31", "2.31\n", "", None, f"{10**36}.00")
    ),
    (("totals",), ABSENT),
    (("totals", "lines"), ABSENT),
    (("totals", "lines"), 0),
    (("totals", "order_qty"), ABSENT),
    (("totals", "order_qty"), 0),
    (("totals", "cost"), ABSENT),
    (("totals", "cost"), 138.6),
    (("totals", "weight"), 1),
    (("generated_at",), "2017-12-23T22:00:00Z"),
]


@pytest.mark.parametrize(("path", "value"), BROKEN, ids=lambda part: str(part)[:40])
def test_the_schema_rejects(path, value):
    (order,) = orders(line())
    tree = copy.deepcopy(document(order, 1))
    validate(render(tree), "S0042.json")
    *parents, last = path
    place = tree
    for key in parents:
        place = place[key]
    if value is ABSENT:
        del place[last]
    else:
        place[last] = value
    with pytest.raises(BadData, match=r"S0042\.json breaks the published schema") as failure:
        validate(render(tree), "S0042.json")
    assert failure.value.where.startswith("$") and "supplier_order.schema.json" in failure.value.where


def test_the_example_in_the_documentation_is_valid():
    text = (ROOT / "docs" / "supplier-orders.md").read_text(encoding="utf-8")
    example = text.partition("```json\n")[2].partition("```")[0]
    (order,) = orders(line())
    assert example.encode() == order_bytes(order, 1)
    assert f"`Käse & Co` is `{file_name('Käse & Co')}`" in text


@pytest.mark.parametrize(
    ("supplier_id", "name"),
    [
        ("S0042", "S0042.json"),
        ("a.b_c-d", "a.b_c-d.json"),
        ("..", "%2E..json"),
        (".hidden", "%2Ehidden.json"),
        ("../etc/passwd", "%2E.%2Fetc%2Fpasswd.json"),
        ("a/b\\c:d", "a%2Fb%5Cc%3Ad.json"),
        ("50%", "50%25.json"),
        ("Käse & Co", "K%C3%A4se%20%26%20Co.json"),
        ("a\x00b\n~", "a%00b%0A%7E.json"),
        ("_manifest", "%5Fmanifest.json"),
        ("exceptions", "%65xceptions.json"),
        ("Exceptions", "%45xceptions.json"),
        ("CON", "%43ON.json"),
        ("lpt1.x", "%6Cpt1.x.json"),
        ("console", "console.json"),
    ],
)
def test_a_file_name_is_safe_and_says_the_supplier(supplier_id, name):
    assert file_name(supplier_id) == name
    assert unquote(name.removesuffix(".json")) == supplier_id


@given(st.lists(st.text(st.characters(codec="utf-8"), min_size=1, max_size=20), unique=True, max_size=10))
def test_any_ids_give_safe_names_that_differ(supplier_ids):
    names = [file_name(supplier_id) for supplier_id in supplier_ids]
    assert len(set(names)) == len(names)
    for name in names:
        assert set(name) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-%")
        assert name[0] not in "._" and name.lower() not in ("exceptions.json", "_manifest.json")


def test_names_that_are_one_file_elsewhere_stop():
    with pytest.raises(BadData, match="'S1' and 's1' would share one file"):
        file_names(["S1", "S2", "s1"])
    for impossible in ("", "x" * 251, "ä" * 42):
        with pytest.raises(BadData, match="can't be a file name"):
            file_names([impossible])


def test_a_day_with_nothing_to_order_has_no_orders():
    assert orders() == [] and DAY.isoformat() == "2017-12-23"
