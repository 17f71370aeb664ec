"""Business dates are spelled one way, or refused with 64."""

from datetime import date

import pytest

from common.dates import business_date, date_range, window_before
from common.errors import Usage


@pytest.mark.parametrize(
    "text",
    ["", "today", "2017-2-3", "2017-02-30", "20171223", "2017-12-23 ", "2017-12-23'; drop table x --", "../2017-12-23",
     "２０１７-12-23", "2017-12-23\n"],
)  # fmt: skip
def test_anything_but_a_real_day_is_refused(text):
    with pytest.raises(Usage):
        business_date(text)


@pytest.mark.parametrize("text", ["0001-01-01", "1899-12-31", "3000-01-01", "9999-12-31"])
def test_a_day_at_the_calendars_ends_is_refused_before_any_service_is_touched(text):
    with pytest.raises(Usage, match="too far away") as refused:
        date_range(text)
    assert "from 1900-01-01 to 2999-12-31" in refused.value.next


def test_a_range_has_both_ends():
    assert date_range("2017-12-30..2018-01-01") == [date(2017, 12, 30), date(2017, 12, 31), date(2018, 1, 1)]
    assert date_range("2017-12-30") == [date(2017, 12, 30)]


@pytest.mark.parametrize("text", ["2017-12-23..2017-12-22", "2017-12-23..", "..2017-12-23", "2017-12-23...2017-12-24"])
def test_a_range_that_is_none_is_refused(text):
    with pytest.raises(Usage):
        date_range(text)


def test_the_window_ends_the_day_before():
    assert window_before(date(2017, 3, 1), 2) == [date(2017, 2, 27), date(2017, 2, 28)]
