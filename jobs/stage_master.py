"""stage_master: the date's master data becomes typed tables.

Reads   /raw/master/D/ (one CSV a table, from snapshot_master)
Writes  staging.products, suppliers, replenishment_rules, product_suppliers, stores, warehouses, calendar_days
Why     what planning compares with is the date's own master data, in the same place and types as everything else

    ./submit.sh stage_master 2017-12-23
"""

from __future__ import annotations

import sys

from common.cli import main
from common.landing.manifest import MANIFEST, parse_manifest
from common.publish.run import Run
from common.stages import Built, Input, Stage
from common.staging import master
from common.staging.attempts import take
from common.staging.driver import each


def reads(run: Run) -> list[Input]:
    """The date's master snapshot."""
    return [run.need_raw("master")]


def build(run: Run, inputs: list[Input]) -> Built:
    """The master tables, one Spark task each; BadData when a value does not fit its column."""
    folder, url = inputs[0].location, run.settings.service("HDFS_URL")
    files = parse_manifest(run.hdfs.read(f"{folder}/{MANIFEST}"), folder).files
    attempts = run.private_dir("staging.products") + "-attempts"
    work = [(table, master.file_of(files, table, folder)) for table in master.tables()]
    reports = each(
        run.spark_context,
        work,
        lambda task, item: master.stage_table(url, folder, item[1], item[0], attempts, task),
    )
    built = Built()
    for (table, _), report in zip(work, reports, strict=True):
        directory = built.tables[table] = run.private_dir(table)
        built.rows[table.split(".")[1]] = take(run.hdfs, attempts, report.files, directory)
        if extra := report.counts[table].extra:
            built.notes[table] = {"unknown_columns": sorted(extra)}
            run.say(f"  {table}: columns that the contract does not know: {', '.join(sorted(extra))}")
    run.hdfs.delete(attempts)
    return built


STAGE = Stage("stage_master", reads, build, writes=tuple(master.tables()), uses_spark=True)

if __name__ == "__main__":
    sys.exit(main(STAGE))
