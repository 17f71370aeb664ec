"""The plot of demand, as text."""

from datetime import date, timedelta

import pytest

from common.explain.plot import plot, summary

DAY = date(2017, 12, 23)  # a Saturday


def window(*quantities):
    """Days up to the date, the last of them the date itself."""
    return {DAY - timedelta(days=len(quantities) - 1 - n): qty for n, qty in enumerate(quantities)}


def test_blocks_have_eighths():
    assert plot(window(0, 1, 8, 12, 16, None), is_unicode=True, width=20) == [
        "16 │        █",
        "   │      █ █",
        "   │    █ █ █",
        "   │  ▂ █ █ █",
        " 0 │M T W T F ?",
    ]


def test_plain_text_has_whole_lines_and_still_shows_the_smallest_sale():
    assert plot(window(0, 1, 8, 16), is_unicode=False, width=14) == [
        "16 |      #",
        "   |      #",
        "   |    # #",
        "   |  # # #",
        " 0 |W T F S",
    ]


@pytest.mark.parametrize("largest", [0, 1, 3, 9, 2**63 - 1])
@pytest.mark.parametrize("is_unicode", [True, False])
def test_every_sale_is_seen_and_no_zero_is(largest, is_unicode):
    lines = plot(window(0, *([1] if largest else []), largest), is_unicode=is_unicode, width=80)
    lowest = lines[-2].split("│" if is_unicode else "|")[1]
    assert not lowest.strip() if not largest else lowest.startswith(" ") and len(lowest.split()) == 2


def test_it_fits_the_width_it_is_given():
    for width in (40, 49, 69, 109):
        assert max(map(len, plot(window(*[7] * 29), is_unicode=True, width=width))) <= width


@pytest.mark.parametrize(
    ("quantities", "says"),
    [
        ((0, 1, 0, 4), "2 of the 4 days before, mean 1.3, largest 4 on 12-23"),
        ((None, 5), "1 of the 1 days before, mean 5.0, largest 5 on 12-23; ? = 1 of 2 days without published order lines"),
        ((0, 0), "no unit on the 2 days before"),
        ((None, None), "no day of the 2 before has published order lines"),
    ],
)
def test_the_summary(quantities, says):
    assert says in summary(window(*quantities))
