"""stage_master: the date's master data becomes typed tables.

Reads   /raw/master/D/ (one CSV a table, from snapshot_master)
Writes  staging.products, suppliers, replenishment_rules, product_suppliers, stores, warehouses, calendar_days
Why     what planning compares with is the date's own master data, in the same place and types as everything else

    ./submit.sh stage_master 2017-12-23
"""

from __future__ import annotations

import sys
from pathlib import Path

if __name__ == "__main__":  # run as a file, from anywhere: the project's folder takes the place of this one
    sys.path[: not sys.flags.safe_path] = [str(Path(__file__).resolve().parents[1])]

from common.cli import leave, main
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
    """The master tables, several a Spark task; BadData when a value does not fit its column."""
    folder, url = inputs[0].location, run.settings.service("HDFS_URL")
    manifest = parse_manifest(run.hdfs.read(f"{folder}/{MANIFEST}"), folder)
    attempts = run.private_dir("staging.products") + "-attempts"
    work = [(table, master.file_of(manifest.files, table, folder)) for table in master.tables()]
    reports = each(
        run.spark_context,
        master.shares(work, run.spark_context.defaultParallelism),
        lambda task, share: master.stage_tables(url, folder, share, attempts, task),
    )
    files = [file for report in reports for file in report.files]
    counts = {table: found for report in reports for table, found in report.counts.items()}
    built = Built()
    for table in master.tables():
        directory = built.tables[table] = run.private_dir(table)
        built.rows[table.split(".")[1]] = take(run.hdfs, attempts, files, directory, kind=table)
        if extra := counts[table].extra:
            built.notes[table] = {"unknown_columns": sorted(extra)}
            run.say(f"  {table}: columns that the contract does not know: {', '.join(sorted(extra))}")
    run.hdfs.delete(attempts)
    return built


STAGE = Stage("stage_master", reads, build, writes=tuple(master.tables()), uses_spark=True)

if __name__ == "__main__":
    leave(main(STAGE))
