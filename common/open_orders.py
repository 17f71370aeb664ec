"""What a date's plan takes from earlier dates: the orders that they released, and what has been received since.

The inputs are named in the ledger one by one, so that it knows which later dates depend on a date that is replayed.
"""

from __future__ import annotations

from collections.abc import Sequence

from common.dates import window_before
from common.publish.release import TABLE as RELEASED
from common.publish.released import first_day, released_inputs
from common.publish.run import Run, inputs_at
from common.stages import Input

TABLE, _RECEIPTS = "planning.open_orders", "staging.receipts"


def open_order_inputs(run: Run) -> list[Input]:
    """Releases of earlier dates and receipts up to the date, within the window of open orders, oldest first."""
    days = (run.day - first_day(run)).days
    return released_inputs(run) + inputs_at(run.metastore, _RECEIPTS, [*window_before(run.day, days), run.day])


def needs_open_orders(run: Run, inputs: Sequence[Input]) -> bool:
    """Whether an earlier date has released anything, or an earlier run's rows must not stay.

    Without a release nothing can be received: such receipts are set aside.
    """
    return any(item.name.startswith(f"{RELEASED}/") for item in inputs) or run.has_files(TABLE)
