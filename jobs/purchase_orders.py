"""Decides what is ordered of each SKU, from whom, and numbers the order lines.

Reads     planning.net_demand, staging.products, staging.product_suppliers, staging.suppliers, staging.replenishment_rules
          of the date
Writes    planning.order_decisions (every SKU, with each step's quantity and one outcome), planning.purchase_order_lines
Why       MOQ and pack rules turn a need into something that a supplier can ship. The rules are sql/planning/order_decisions.

    ./submit.sh purchase_orders 2017-12-23
"""

from __future__ import annotations

import sys
from pathlib import Path

if __name__ == "__main__":  # run as a file, from anywhere: the project's folder takes the place of this one
    sys.path[: not sys.flags.safe_path] = [str(Path(__file__).resolve().parents[1])]

from common.cli import leave, main
from common.planning import build, calendar_inputs, counts, facts_of, inputs_of, window_inputs
from common.planning_options import filled_inputs, options_of
from common.publish.run import Run
from common.stages import Built, Input, Stage

MAKES = ("order_decisions", "purchase_order_lines")


def reads(run: Run) -> list[Input]:
    """The need, and the master data of the date; with options what they read, up to the whole window before the date."""
    found = inputs_of(run, MAKES, ())
    calendar = calendar_inputs(run)
    options = options_of(run.settings, filled_inputs(run.hdfs, run.day, [*found, *calendar]))
    found = inputs_of(run, MAKES, options)
    # that it says nothing is what was read, too: a later comparison must not take a later one for it
    found += [item for item in calendar if item not in found]
    if "history" in options:
        found += window_inputs(run, ["staging.pos_order_lines"])
    if "order_up_to" in options:
        found += window_inputs(run, ["staging.warehouse_stock"])
    return found


def make(run: Run, inputs: list[Input]) -> Built:
    """Runs both models; counts the outcomes."""
    facts = facts_of(run, inputs)
    tables = {f"planning.{model}": build(run, model, facts) for model in MAKES}
    return Built(tables, counts(run, "order_decisions", by="outcome"))


STAGE = Stage(
    "purchase_orders", reads, make,
    writes=("planning.order_decisions", "planning.purchase_order_lines"),
    settings=("business.currency", "planning."), group="planning",
)  # fmt: skip

if __name__ == "__main__":
    leave(main(STAGE))
