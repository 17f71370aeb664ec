"""stage_orders: the stores' raw order files become typed order lines.

Reads   /raw/orders/D/ (JSON Lines or CSV, plain or gzip), staging.products and staging.stores of the date
Writes  staging.pos_order_lines; what is rejected or set aside goes to audit.rejected_rows
Why     planning must count every unit once, exactly: a line obeys every rule of the contract, or is kept aside with its reasons

    ./submit.sh stage_orders 2017-12-23
    spark-submit jobs/stage_orders.py 2017-11-25..2017-12-23
"""

from __future__ import annotations

import sys
from pathlib import Path

if __name__ == "__main__":  # run as a file, from anywhere: the project's folder takes the place of this one
    sys.path[: not sys.flags.safe_path] = [str(Path(__file__).resolve().parents[1])]

from common.cli import leave, main
from common.publish.run import Run
from common.stages import Built, Input, Stage
from common.staging.driver import known_of, notes_of, rows_of, stage_files
from common.staging.feeds import ORDERS


def reads(run: Run) -> list[Input]:
    """The date's order files, and the products and stores that they may name."""
    return [run.need_raw("orders"), run.need_published("staging.products"), run.need_published("staging.stores")]


def build(run: Run, inputs: list[Input]) -> Built:
    """All files of the date; BadData when one can't be trusted, or too much is rejected."""
    staged = stage_files(run, ORDERS, inputs[0], known_of(run, inputs, "staging.stores", "store_id"))
    return Built({ORDERS.table: staged.directory}, rows_of(staged), notes_of(run, staged))


STAGE = Stage("stage_orders", reads, build, writes=(ORDERS.table,), settings=("business.",), uses_spark=True)

if __name__ == "__main__":
    leave(main(STAGE))
