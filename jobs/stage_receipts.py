"""stage_receipts: what the warehouses booked as received becomes typed rows, where they sent anything.

Reads   /raw/receipts/D/ (JSON Lines or CSV, plain or gzip), staging.products of the date, and the order numbers that
        earlier dates released
Writes  staging.receipts; what is rejected or set aside goes to audit.rejected_rows. A date without receipts has nothing to do
Why     what was ordered and has not come yet is known only from what came: planning.open_orders

    ./submit.sh stage_receipts 2017-12-23
"""

from __future__ import annotations

import sys
from pathlib import Path

if __name__ == "__main__":  # run as a file, from anywhere: the project's folder takes the place of this one
    sys.path[: not sys.flags.safe_path] = [str(Path(__file__).resolve().parents[1])]

from common.cli import leave, main
from common.publish.flip import is_published
from common.publish.released import order_numbers, released_inputs
from common.publish.run import Run
from common.stages import Built, Input, Stage
from common.staging.driver import column, notes_of, rows_of, stage_files
from common.staging.feeds import RECEIPTS
from common.staging.two_tier import Known


def reads(run: Run) -> list[Input]:
    """The date's receipts, the products, and the releases that they may belong to; nothing where nothing was sent."""
    raw = run.find_raw("receipts")
    return [raw, run.need_published("staging.products"), *released_inputs(run)] if raw else []


def build(run: Run, inputs: list[Input]) -> Built:
    """All files of the date; BadData when one can't be trusted, or too much is rejected.

    Where nobody sent any there is no partition, and an empty one only in the place of rows that were published before.
    """
    if not inputs and not run.has_files(RECEIPTS.table):
        return Built()
    if not inputs:
        directory = run.private_dir(RECEIPTS.table)
        run.hdfs.mkdirs(directory)
        return Built({RECEIPTS.table: directory}, {"read": 0})
    raw, products, *released = inputs
    known = Known(column(run.hdfs, products.location, "sku"), order_numbers(run, released))
    staged = stage_files(run, RECEIPTS, raw, known)
    return Built({RECEIPTS.table: staged.directory}, rows_of(staged), notes_of(run, staged))


def is_current(run: Run, fingerprint: str) -> bool:
    """Nothing was sent and no rows are published, or what is published came from this."""
    if run.find_raw("receipts") is None:
        return not run.has_files(RECEIPTS.table)
    return is_published(run, RECEIPTS.table, fingerprint)


STAGE = Stage(
    "stage_receipts", reads, build,
    writes=(RECEIPTS.table,), settings=("business.", "planning.open_order_days"), uses_spark=True, is_current=is_current,
)  # fmt: skip

if __name__ == "__main__":
    leave(main(STAGE))
