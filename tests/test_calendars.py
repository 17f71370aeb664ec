"""`calendar load` and `calendar show`: real holidays in, rows of master data out."""

from __future__ import annotations

import json
from datetime import date

import pytest

from common.calendars import days_of
from common.errors import Usage

pytestmark = pytest.mark.master_data

SUPPLIER = "CALENDAR-1"
STRETCH = ("--from", "2017-12-20", "--to", "2018-01-02")


@pytest.fixture
def supplier(postgres):
    """A supplier of this test's own, with an empty calendar."""
    postgres.rows("insert into procurement.suppliers (supplier_id, name, lead_time_days) values (%s, 'C', 1)", (SUPPLIER,))
    yield SUPPLIER
    postgres.rows("delete from procurement.calendar_days where party_id = %s", (SUPPLIER,))
    postgres.rows("delete from procurement.suppliers where supplier_id = %s", (SUPPLIER,))


def test_holidays_and_weekends_of_a_country():
    found = days_of("US", None, date(2017, 12, 20), date(2018, 1, 2), weekends=True, orders=True)
    assert [(str(d.day), d.is_order_day, d.reason) for d in found] == [
        ("2017-12-23", None, "weekend"), ("2017-12-24", None, "weekend"), ("2017-12-25", False, "Christmas Day"),
        ("2017-12-30", None, "weekend"), ("2017-12-31", None, "weekend"), ("2018-01-01", False, "New Year's Day"),
    ]  # fmt: skip
    plain = days_of("US", None, date(2017, 12, 20), date(2018, 1, 2), weekends=False, orders=False)
    assert [(str(d.day), d.is_order_day) for d in plain] == [("2017-12-25", None), ("2018-01-01", None)]


def test_a_part_of_a_country_has_days_of_its_own():
    bavaria = {d.day for d in days_of("DE", "BY", date(2017, 1, 1), date(2017, 12, 31), weekends=False, orders=True)}
    berlin = {d.day for d in days_of("DE", "BE", date(2017, 1, 1), date(2017, 12, 31), weekends=False, orders=True)}
    assert date(2017, 1, 6) in bavaria - berlin


@pytest.mark.parametrize(("country", "part"), [("XX", None), ("US", "ZZ"), ("", None), ("'; drop table x", None)])
def test_an_unknown_country_is_refused(country, part):
    with pytest.raises(Usage, match="calendar load"):
        days_of(country, part, date(2017, 1, 1), date(2017, 1, 2), weekends=False, orders=True)


def test_a_life_of_a_calendar(supplier, submit, postgres):
    postgres.rows(
        "insert into procurement.calendar_days (party_kind, party_id, day, is_order_day, is_working_day, reason)"
        " values ('supplier', %s, '2017-12-25', true, true, 'works on Christmas')",
        (supplier,),
    )
    load = ("calendar", "load", "--country", "us", "--supplier", supplier, *STRETCH, "--json")
    first = submit(*load)
    assert first.returncode == 0, first.stderr
    assert json.loads(first.stdout) == {"parties": [supplier], "days": 2, "added": 1, "kept": 1}
    assert json.loads(submit(*load).stdout)["added"] == 0
    rows = json.loads(submit("calendar", "show", "--supplier", supplier, *STRETCH, "--json").stdout)
    assert [(r["day"], r["is_order_day"], r["reason"]) for r in rows] == [
        ("2017-12-25", True, "works on Christmas"), ("2018-01-01", False, "New Year's Day"),
    ]  # fmt: skip
    again = json.loads(submit(*load, "--replace", "--weekends").stdout)
    assert again == {"parties": [supplier], "days": 6, "added": 6, "kept": 0}
    shown = submit("calendar", "show", "--supplier", supplier, *STRETCH).stdout
    assert "Mon 2017-12-25  order no" in shown and "weekend" in shown


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--country", "US", "--supplier", "NOBODY", *STRETCH), "no supplier 'NOBODY'"),
        (("--country", "US", "--from", "2017-12-20", "--to", "2017-12-01"), "ends before"),
        (("--country", "US", "--from", "2017-12-20", "--to", "tomorrow"), "not a business date"),
        (("--country", "US", "--from", "1917-12-20", "--to", "2017-12-20"), "ten years"),
        (STRETCH, "--country"),
    ],
)
def test_wrong_arguments_are_refused(submit, arguments, says):
    done = submit("calendar", "load", *arguments)
    assert (done.returncode, says in done.stderr) == (64, True), done.stderr
