"""Computes what each SKU lacks on a business date.

Reads     staging.pos_order_lines, staging.warehouse_stock, staging.products, staging.replenishment_rules of the date,
          and the rejected stock rows of the run that staged the stock; audit.released_orders of earlier dates and
          staging.receipts up to the date
Writes    planning.net_demand; planning.open_orders where an earlier date has released anything
Why       demand plus safety stock, less what is free: the need that the night orders. The rule is sql/planning/net_demand;
          what is on its way already: sql/planning/open_orders

    ./submit.sh net_demand 2017-12-23
"""

from __future__ import annotations

import sys
from pathlib import Path

if __name__ == "__main__":  # run as a file, from anywhere: the project's folder takes the place of this one
    sys.path[: not sys.flags.safe_path] = [str(Path(__file__).resolve().parents[1])]

from common.cli import leave, main
from common.open_orders import needs_open_orders, open_order_inputs
from common.planning import build, counts, facts_of, inputs_of
from common.publish.run import Run
from common.stages import Built, Input, Stage

MAKES = ("open_orders", "net_demand")


def reads(run: Run) -> list[Input]:
    """The staged tables of the date, and what earlier dates released and received."""
    return inputs_of(run, MAKES) + open_order_inputs(run)


def make(run: Run, inputs: list[Input]) -> Built:
    """Runs the models; counts all SKUs, those that are planned, and open order lines."""
    facts, tables, rows = facts_of(run, inputs), {}, {}
    if needs_open_orders(run, inputs):
        tables["planning.open_orders"] = build(run, "open_orders", facts)
        rows["open_order_lines"] = counts(run, "open_orders", by="is_closed").get("False", 0)
    tables["planning.net_demand"] = build(run, "net_demand", facts)
    planned = counts(run, "net_demand", by="is_planned")
    return Built(tables, {"skus": sum(planned.values()), "planned": planned.get("True", 0), **rows})


STAGE = Stage(
    "net_demand", reads, make,
    writes=("planning.net_demand",), may_write=("planning.open_orders",),
    settings=("planning.open_order_days", "planning.open_order_grace_days", "planning.open_order_given_up_days"),
    group="planning",
)  # fmt: skip

if __name__ == "__main__":
    leave(main(STAGE))
