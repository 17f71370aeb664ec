"""Lists what a planner must look at.

Reads     planning.net_demand, planning.order_decisions, staging.pos_order_lines of the date and the window before it,
          staging.warehouse_stock of the date and each warehouse's snapshot before it, staging.stores, staging.warehouses,
          staging.receipts and staging.calendar_days of the date where there are any, and the rejected rows of the runs that
          staged the date
Writes    planning.exceptions
Why       what is not ordered, or ordered oddly, has to be seen by somebody. The closed list is sql/planning/exceptions/codes.yml.

    ./submit.sh exceptions 2017-12-23
"""

from __future__ import annotations

import sys
from pathlib import Path

if __name__ == "__main__":  # run as a file, from anywhere: the project's folder takes the place of this one
    sys.path[: not sys.flags.safe_path] = [str(Path(__file__).resolve().parents[1])]

from common.cli import leave, main
from common.errors import BadData
from common.planning import build, calendar_inputs, counts, exceptions_window, facts_of, history_inputs, inputs_of
from common.publish.run import Run
from common.stages import Built, Input, Stage
from common.staging.snapshots import active, latest


def reads(run: Run) -> list[Input]:
    """The plan, the staged tables of the date, and the history window."""
    found = inputs_of(run, ["exceptions"]) + history_inputs(run)
    expected = active(run.hdfs, run.need_published("staging.warehouses").location)
    found += latest(run, expected, exceptions_window(run))
    # no row of the calendar is listed, but it may be all that says that a supplier takes no order
    return found + calendar_inputs(run)


def make(run: Run, inputs: list[Input]) -> Built:
    """Runs the model; counts the codes. BadData where a missing store is set to stop the night."""
    location = build(run, "exceptions", facts_of(run, inputs))
    codes = counts(run, "exceptions", by="code")
    if codes.get("missing_store") and run.settings["planning.missing_store_stops"]:
        raise BadData(
            f"{codes['missing_store']} stores that were expected sent no order of {run.day}, and nothing was published",
            where="setting planning.missing_store_stops",
            next=f"./submit.sh all {run.day} --set planning.missing_store_stops=false   # goes on without them",
        )
    return Built({"planning.exceptions": location}, codes)


STAGE = Stage(
    "exceptions", reads, make,
    writes=("planning.exceptions",), settings=("planning.", "staging.short_snapshot_percent"), group="planning",
)  # fmt: skip

if __name__ == "__main__":
    leave(main(STAGE))
