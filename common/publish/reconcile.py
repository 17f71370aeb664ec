"""Every start puts the ledger, the metastore and the directories of its date in agreement first.

The lock of the date is held, so nobody else is at work on it. What an earlier run recorded as "publishing" and has begun
to flip is rolled forward: its data was whole and audited. What it had not begun to flip is swept.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from common.contracts import all_contracts
from common.publish.flip import ensure_tables, point
from common.publish.ledger import Ledger, StageRow
from common.publish.run import Run, runs_root
from common.stages import NIGHT, stage


def reconcile(run: Run, ledger: Ledger) -> None:
    """Rolls unfinished stages of the date forward or back, and removes directories that were never published.

    First the run takes another number where a directory of the date has its own, or a higher one.
    """
    ensure_tables(run)
    directories = private_directories(run)
    take_free_number(run, ledger, directories)
    unfinished = ledger.unfinished()
    for group in _together(unfinished):
        flipped = [_is_flipped(run, table, path) for row in group for table, path in row.tables.items()]
        forward = all(row.status == "publishing" for row in group) and (any(flipped) or _completed(run, group[0]))
        for row in group:
            if forward:
                for table, path in row.tables.items():
                    if not _is_flipped(run, table, path):
                        point(run, table, path, row.run_id, row.fingerprint, row.inputs, ledger.require_lock)
                ledger.stage_ends(row.stage, "succeeded", run_id=row.run_id)
                run.say(f"reconciled: {row.stage} of run {row.run_id} was published before it ended; now recorded")
            else:
                ledger.stage_ends(row.stage, "abandoned", "its process ended without a word", run_id=row.run_id)
    ledger.abandon_runs()
    sweep_directories(run, ledger.published_locations(), directories)
    sweep_results(run, ledger)
    sweep_scratch(run)


def private_directories(run: Run) -> list[tuple[str, str]]:
    """Table and path of every private directory of the date."""
    roots = [(contract.name, runs_root(run.settings, contract.name, run.day)) for contract in all_contracts()]
    return [(table, entry.path) for table, root in roots if run.hdfs.exists(root) for entry in run.hdfs.list(root)]


def take_free_number(run: Run, ledger: Ledger, directories: Sequence[tuple[str, str]]) -> None:
    """Gives the run a number that none of the date's directories has: what another run left is in nobody's way."""
    numbers = [int(path.rsplit("/", 1)[-1].partition("-")[0]) for _, path in directories if re.search(r"/\d+-[^/]*$", path)]
    counted, run.run_id = run.run_id, ledger.number_above(max(numbers, default=0))
    if run.run_id != counted:
        run.say(f"directories of {run.day} are of later runs than the ledger knows: run {counted} goes on as {run.run_id}")


def sweep_results(run: Run, ledger: Ledger) -> None:
    """Lets each stage whose result is not a table remove what its crashed runs left."""
    for name in NIGHT:
        sweep = stage(name).sweep
        if sweep is not None and (removed := sweep(run, [row.notes for row in ledger.successes(name)])):
            run.say(f"swept {', '.join(removed)}: left by runs of {name} that never published")


def sweep_directories(run: Run, keep: set[str], directories: Sequence[tuple[str, str]]) -> int:
    """Removes those of these directories that were never published and are not what readers see; returns how many."""
    removed = 0
    for table, path in directories:
        # a ledger that was lost or restored from a backup does not know what readers see
        if path not in keep and not _is_flipped(run, table, path):
            run.hdfs.delete(path)
            removed += 1
    if removed:
        run.say(f"swept {removed} directories of runs that never published")
    return removed


def sweep_scratch(run: Run) -> None:
    """Drops Trino's scratch tables that point into the date's run directories; their files stay."""
    mark = re.compile(rf"/_runs/[a-z_.]+/{run.day}/")
    for name in run.metastore.tables("scratch"):
        if mark.search(run.metastore.location("scratch", name) or ""):
            run.metastore.drop_table("scratch", name)


def _together(rows: list[StageRow]) -> list[list[StageRow]]:
    """Stages of one run and one group are rolled forward or back together."""
    groups: dict[tuple[int, str], list[StageRow]] = {}
    for row in rows:
        group = (stage(row.stage).group if row.stage in NIGHT else "") or row.stage
        groups.setdefault((row.run_id, group), []).append(row)
    return list(groups.values())


def _completed(run: Run, row: StageRow) -> bool:
    completes = stage(row.stage).completes if row.stage in NIGHT else None
    return completes is not None and completes(run, row.notes)


def _is_flipped(run: Run, table: str, path: str) -> bool:
    partition = run.published(table)
    return partition is not None and partition.location == path
