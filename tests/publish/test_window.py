"""The nightly window."""

from argparse import ArgumentParser
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from common.cli import settings_of, stage_parser
from common.errors import TryAgain
from common.publish.window import check_window, end_of, enter_window
from common.settings import load_settings

NEW_YORK = ZoneInfo("America/New_York")


@pytest.mark.parametrize(
    ("window", "now", "end"),
    [
        ("22:00-00:00", "2017-12-23T21:59", None),
        ("22:00-00:00", "2017-12-23T22:00", "2017-12-24T00:00"),
        ("22:00-00:00", "2017-12-31T23:59:59", "2018-01-01T00:00"),
        ("22:00-00:00", "2017-12-24T00:00", None),
        ("22:00-02:00", "2017-12-23T22:30", "2017-12-24T02:00"),
        ("22:00-02:00", "2017-12-24T01:59", "2017-12-24T02:00"),
        ("22:00-02:00", "2017-12-24T02:00", None),
        ("08:00-09:00", "2017-12-23T08:30", "2017-12-23T09:00"),
        ("08:00-09:00", "2017-12-23T09:00", None),
        ("08:00-08:00", "2017-12-23T07:00", "2017-12-23T08:00"),
    ],
)
def test_the_start_is_inside_and_the_end_is_not(window, now, end):
    expected = datetime.fromisoformat(end).replace(tzinfo=NEW_YORK).astimezone(UTC) if end else None
    assert end_of(window, datetime.fromisoformat(now).replace(tzinfo=NEW_YORK)) == expected


def test_an_hour_that_the_clocks_skip_is_not_waited_for():
    start = datetime(2017, 3, 11, 22, 0, tzinfo=NEW_YORK)
    assert end_of("22:00-04:00", start) - start.astimezone(UTC) == timedelta(hours=5)


def test_what_is_set_wins_over_what_the_option_means():
    def given(*more):
        settings = settings_of(stage_parser("all", ArgumentParser()).parse_args(["2017-12-23", "--window", "22:00-00:00", *more]))
        return settings["night.window"], settings["night.outside_window"]

    assert given() == ("22:00-00:00", "refuse")
    assert given("--set", "night.outside_window=warn") == ("22:00-00:00", "warn")


def around(hours, choice):
    """Settings with a window of two hours that began one hour ago, moved by so many hours."""
    now = datetime.now(NEW_YORK)
    start, end = now + timedelta(hours=hours - 1), now + timedelta(hours=hours + 1)
    return load_settings([f"night.window={start:%H:%M}-{end:%H:%M}", f"night.outside_window={choice}"])


def test_started_outside_refuses_or_warns_and_runs_on_as_set(capsys):
    with pytest.raises(TryAgain, match="the night was not started"):
        enter_window(around(6, "refuse"))
    end = enter_window(around(6, "warn"))
    assert "outside the window" in capsys.readouterr().err
    check_window(around(6, "warn"), end)


@pytest.mark.parametrize("choice", ["warn", "refuse"])
def test_started_inside_no_stage_starts_past_the_end(choice):
    end = enter_window(around(0, choice))
    assert timedelta(minutes=58) < end - datetime.now(UTC) <= timedelta(hours=1)
    check_window(around(0, choice), end)
    with pytest.raises(TryAgain, match=r"the next stage was not started: .* past the end of the window"):
        check_window(around(-6, choice), end - timedelta(hours=6))


def test_without_a_window_nothing_ends():
    assert enter_window(load_settings()) is None
    check_window(load_settings(), None)
