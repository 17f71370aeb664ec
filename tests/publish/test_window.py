"""The nightly window."""

from argparse import ArgumentParser

import pytest

from common.cli import settings_of, stage_parser
from common.errors import Misconfigured, TryAgain
from common.publish.window import check_window, contains
from common.settings import load_settings


@pytest.mark.parametrize(
    ("window", "clock", "inside"),
    [
        ("22:00-00:00", "21:59", False),
        ("22:00-00:00", "22:00", True),
        ("22:00-00:00", "23:59", True),
        ("22:00-00:00", "00:00", False),
        ("22:00-02:00", "01:59", True),
        ("22:00-02:00", "02:00", False),
        ("08:00-09:00", "08:30", True),
        ("08:00-09:00", "09:00", False),
    ],
)
def test_the_start_is_inside_and_the_end_is_not(window, clock, inside):
    hours, minutes = map(int, clock.split(":"))
    assert contains(window, hours * 60 + minutes) is inside


@pytest.mark.parametrize("window", ["22-00", "24:00-01:00", "22:00–00:00", "22:60-23:00"])
def test_a_window_that_is_none_is_an_error(window):
    with pytest.raises(Misconfigured):
        contains(window, 0)


def test_what_is_set_wins_over_what_the_option_means():
    def given(*more):
        settings = settings_of(stage_parser("all", ArgumentParser()).parse_args(["2017-12-23", "--window", "22:00-00:00", *more]))
        return settings["night.window"], settings["night.outside_window"]

    assert given() == ("22:00-00:00", "refuse")
    assert given("--set", "night.outside_window=warn") == ("22:00-00:00", "warn")


def test_outside_refuses_or_warns_as_set(capsys):
    def closed(choice):
        from datetime import datetime
        from zoneinfo import ZoneInfo

        hour = (datetime.now(ZoneInfo("America/New_York")).hour + 3) % 24
        return load_settings([f"night.window={hour:02}:00-{hour:02}:01", f"night.outside_window={choice}"])

    with pytest.raises(TryAgain):
        check_window(closed("refuse"), starting=True)
    check_window(closed("warn"), starting=True)
    assert "outside the window" in capsys.readouterr().err
