"""What a comparison of two runs needs of each."""

from datetime import date

import pytest

from common.diff.pins import require
from common.diff.runs import LINES, MadePlan, needed
from common.errors import NoInput
from common.stages import Input

DAY = date(2017, 12, 23)


class Removed:
    """Clients of an HDFS that has lost one directory."""

    def __init__(self, gone):
        self.hdfs, self.gone = self, gone

    def exists(self, path):
        return path != self.gone


@pytest.mark.parametrize("gone", ["/w/staging.products/1-1", "/w/lines/1-2"])
def test_a_run_whose_directories_were_removed_is_not_taken_for_an_empty_plan(gone):
    products = Input(f"staging.products/{DAY}", "/w/staging.products/1-1", "f")
    plan = MadePlan(DAY, 1, "abc", {LINES: "/w/lines/1-2"}, (products,), {})
    with pytest.raises(NoInput, match="can't be compared any more") as failure:
        require(Removed(gone), needed(plan), plan.name)
    assert failure.value.where == gone
    require(Removed(None), needed(plan), plan.name)
