"""Computes what each SKU lacks on a business date.

Reads     staging.pos_order_lines, staging.warehouse_stock, staging.products, staging.replenishment_rules of the date,
          and the rejected stock rows of the run that staged the stock
Writes    planning.net_demand
Why       demand plus safety stock, less what is free: the need that the night orders. The rule is sql/planning/net_demand.

    ./submit.sh net_demand 2017-12-23
"""

from __future__ import annotations

import sys

from common.cli import main
from common.planning import build, counts, facts_of, inputs_of
from common.publish.run import Run
from common.stages import Built, Input, Stage


def reads(run: Run) -> list[Input]:
    """The staged tables of the date."""
    return inputs_of(run, ["net_demand"])


def make(run: Run, inputs: list[Input]) -> Built:
    """Runs the model; counts all SKUs and those that are planned."""
    location = build(run, "net_demand", facts_of(run, inputs))
    planned = counts(run, "net_demand", by="is_planned")
    rows = {"skus": sum(planned.values()), "planned": planned.get("True", 0)}
    return Built({"planning.net_demand": location}, rows)


STAGE = Stage("net_demand", reads, make, writes=("planning.net_demand",), group="planning")

if __name__ == "__main__":
    sys.exit(main(STAGE))
