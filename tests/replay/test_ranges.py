"""Several dates by one command: in order, a line each at the end, and what a date that fails does to those after it."""

import re

import pytest

from common.stages import NIGHT
from tests.replay.nights import FIRST, SECOND, THIRD

pytestmark = pytest.mark.master_data

NEVER_SENT = "2033-05-01"  # the date before the first


def lines(done):
    return [line.split()[:2] for line in done.stdout.splitlines()]


def test_a_night_tells_of_each_stage_what_it_counted_and_how_long_it_took(nights):
    for name in NIGHT:
        assert re.search(rf"^  {name} +[0-9]+\.[0-9] s  \S", nights.first.stderr, re.M), name
    assert lines(nights.first) == [[FIRST, "succeeded"]]


def test_a_backfill_ends_with_a_line_a_date(nights):
    assert lines(nights.both) == [[SECOND, "succeeded"], [THIRD, "succeeded"]]


def test_a_backfill_stops_at_a_date_that_fails(nights, submit):
    done = submit("backfill", f"{NEVER_SENT}..{FIRST}")
    assert (done.returncode, lines(done)) == (66, [[NEVER_SENT, "failed"]]), done.stderr
    assert f"./submit.sh retailer {NEVER_SENT}" in done.stderr


def test_or_goes_on_where_it_is_set_to_and_still_ends_with_the_code_of_the_failure(nights, submit):
    done = submit("backfill", f"{NEVER_SENT}..{FIRST}", "--set", "night.backfill_on_failure=continue")
    assert (done.returncode, lines(done)) == (66, [[NEVER_SENT, "failed"], [FIRST, "succeeded"]]), done.stderr
    assert done.stdout.startswith(f"{NEVER_SENT}  failed (66)  nothing was sent")


def test_a_stage_takes_a_range_of_dates(nights, submit):
    done = submit("stage_orders", f"{FIRST}..{THIRD}")
    assert (done.returncode, lines(done)) == (0, [[day, "succeeded"] for day in (FIRST, SECOND, THIRD)]), done.stderr


def test_a_night_may_begin_at_any_stage(nights, submit):
    done = submit("all", FIRST, "--from", "export_orders")
    assert done.returncode == 0 and "1 of 1 stages ran" in done.stdout, done.stderr
    assert not re.search(r"^  (ingest|exceptions) ", done.stderr, re.M)


@pytest.mark.parametrize(("stage", "missing", "maker"), [
    ("stage_orders", f"/raw/orders/{NEVER_SENT} is not there", "ingest"),
    ("net_demand", f"staging.pos_order_lines of {NEVER_SENT} is not published", "stage_orders"),
    ("purchase_orders", f"planning.net_demand of {NEVER_SENT} is not published", "net_demand"),
    ("export_orders", f"planning.purchase_order_lines of {NEVER_SENT} is not published", "purchase_orders"),
])  # fmt: skip
def test_a_stage_whose_input_is_missing_says_which_command_makes_it(lake, submit, stage, missing, maker):
    done = submit(stage, NEVER_SENT)
    assert done.returncode == 66 and missing in done.stderr, done.stderr
    assert done.stderr.rstrip().endswith(f"next:  ./submit.sh {maker} {NEVER_SENT}")
