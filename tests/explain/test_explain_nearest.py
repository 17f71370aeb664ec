"""What somebody may have meant."""

from datetime import date

import pytest

from common.explain.nearest import nearest_dates, nearest_skus

ROWS = [
    {"sku": sku, "product_name": name, "order_qty": ordered, "requirement_qty": required}
    for sku, name, ordered, required in (
        ("1029743", "FLUID MILK WHITE ONLY 1 GA", 24, 43),
        ("998373", "CANNED MILK 12 OZ", 48, 14),
        ("848319", "CHOCOLATE MILK 16 OZ", 0, 5),
        ("900001", "MILKY WAY BAR", 0, 0),
        ("900002", "Crème fraîche", 0, 0),
        ("910000", None, 0, 0),
        ("AB-12", "BOLTS", 0, 1),
    )
]


@pytest.mark.parametrize(
    ("typed", "first"),
    [
        ("102974", "1029743"),  # a digit is missing
        ("10297433", "1029743"),  # one too many
        ("1029734", "1029743"),  # two swapped
        ("1028743", "1029743"),  # another one
        ("1028742", "1029743"),  # two others
        ("9983", "998373"),  # how it begins
        ("AB12", "AB-12"),
    ],
)
def test_a_sku_with_a_slip(typed, first):
    assert nearest_skus(typed, ROWS)[0]["sku"] == first


@pytest.mark.parametrize(
    ("typed", "skus"),
    [
        ("milk", ["1029743", "998373", "848319", "900001"]),  # ordered, asked for, whole words
        ("Milk canned", ["998373"]),
        ("mikl canned", ["998373"]),  # a slip in a word
        ("choc", ["848319"]),
        ("crème", ["900002"]),
        ("canned tomatoes", ["998373"]),  # nothing has both words
        ("xyzzy", []),
        ("", []),
        ("%", []),
    ],
)
def test_words_of_a_name(typed, skus):
    assert [row["sku"] for row in nearest_skus(typed, ROWS)] == skus


def test_a_number_in_a_name_is_found_too():
    assert "848319" in [row["sku"] for row in nearest_skus("milk 16", ROWS)]


def test_something_long_does_not_take_long():
    assert nearest_skus("9" * 200, ROWS) == []


def test_the_nearest_dates_are_in_order():
    known = [date(2017, 12, day) for day in (1, 10, 20, 22, 24, 31)]
    assert nearest_dates(date(2017, 12, 23), known, 3) == [date(2017, 12, day) for day in (20, 22, 24)]
    assert nearest_dates(date(2017, 12, 23), []) == []
