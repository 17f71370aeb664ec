"""The project's way: what the stage stage_orders does between its inputs and its publication, Spark's start included.

The rejected rows are left as Parquet, as the other ways leave them; the commit to Delta (1 to 2 s a night) is not measured.
"""

from __future__ import annotations

import argparse
import json
import sys

from common.benchmark.made import DAY, settings_at
from common.publish.run import Clients, Run
from common.stages import Input
from common.staging.driver import column, rows_of, stage_files
from common.staging.feeds import ORDERS
from common.staging.two_tier import Known


def main(folder: str, overrides: list[str]) -> None:
    """Stages the day once and prints its counts as JSON."""
    settings = settings_at(folder, overrides)
    clients = Clients(settings)
    run = Run(clients, DAY, 0, argparse.Namespace(quiet=True))
    clients.hdfs.delete(f"{folder}/warehouse")
    raw = Input("raw/orders", f"{folder}/raw/orders/{DAY}", "")
    known = Known(column(run.hdfs, f"{folder}/master/sku", "sku"), column(run.hdfs, f"{folder}/master/store_id", "store_id"))
    staged = stage_files(run, ORDERS, raw, known, keep=lambda *_: None)
    clients.stop()
    print(json.dumps(rows_of(staged)))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
