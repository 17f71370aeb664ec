"""stage_stock: the warehouses' snapshots become typed stock rows.

Reads   /raw/stock/D/ (CSV, plain or gzip), staging.products and staging.warehouses of the date
Writes  staging.warehouse_stock; what is rejected goes to audit.rejected_rows, and planning holds its SKU
Why     a missing or short snapshot must never be taken for zero stock: it stops the night (--accept-short-snapshot goes on)

    ./submit.sh stage_stock 2017-12-23
"""

from __future__ import annotations

import sys
from pathlib import Path

if __name__ == "__main__":  # run as a file, from anywhere: the project's folder takes the place of this one
    sys.path[: not sys.flags.safe_path] = [str(Path(__file__).resolve().parents[1])]

from common.cli import leave, main
from common.errors import BadData
from common.landing.manifest import accept_short
from common.publish.run import Run
from common.stages import Built, Input, Stage
from common.staging.driver import Staged, known_of, notes_of, rows_of, stage_files
from common.staging.feeds import STOCK
from common.staging.snapshots import active, check_doubled, faults, previous_rows, rows_a_warehouse


def reads(run: Run) -> list[Input]:
    """The date's stock files, and the products and warehouses that they may name."""
    if run.option("accept_short_snapshot"):
        accept_short(run.hdfs, run.day, run.settings)
    return [run.need_raw("stock"), run.need_published("staging.products"), run.need_published("staging.warehouses")]


def build(run: Run, inputs: list[Input]) -> Built:
    """All files of the date; BadData when one can't be trusted, too much is rejected, or a snapshot is missing or short."""
    short: list[str] = []

    def check(staged: Staged) -> None:
        check_doubled(staged.counts)
        rows = rows_a_warehouse(staged.counts)
        expected = active(run.hdfs, inputs[2].location)
        percent = run.settings["staging.short_snapshot_percent"]
        short.extend(faults(expected, rows, previous_rows(run, sorted({*expected, *rows})), percent))
        if short and not staged.manifest.accept_short:
            raise BadData(
                "; ".join(short),
                where=inputs[0].location,
                next=f"./submit.sh stage_stock {run.day} --accept-short-snapshot, if it is right",
            )
        for what in short:
            run.say(f"  accepted: {what}")

    staged = stage_files(run, STOCK, inputs[0], known_of(run, inputs, "staging.warehouses", "warehouse_id"), check)
    warehouses = rows_a_warehouse(staged.counts)
    notes = {**notes_of(run, staged), "warehouses": warehouses, "short_snapshots": short}
    return Built({STOCK.table: staged.directory}, rows_of(staged), notes)


STAGE = Stage(
    "stage_stock",
    reads,
    build,
    writes=(STOCK.table,),
    settings=("business.", "staging.short_snapshot_percent"),
    uses_spark=True,
    beside="stage_orders",
)

if __name__ == "__main__":
    leave(main(STAGE))
