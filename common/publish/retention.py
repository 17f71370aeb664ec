"""Removes run directories that are no longer published and old enough, in HDFS and in the output directory.

A date is taken as a run takes it, by its lock. One that a run holds is left alone, and so are the earlier dates that this
run reads: what was published of them when it began may be so no longer.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

from common.contracts import all_contracts
from common.errors import TryAgain
from common.publish import export
from common.publish.ledger import Ledger, locked_dates, pinned_by
from common.publish.run import Clients, runs_root
from common.publish.stale import reach


@dataclass
class Cleaned:
    """How many directories were removed, and the dates that keep theirs, each with the date of the run that is in the way."""

    removed: int = 0
    skipped: dict[date, date] = field(default_factory=dict)


def remove_old(clients: Clients, before: float) -> Cleaned:
    """Removes what was written before a time (seconds since 1970). TryAgain when runs were in the way of all of it."""
    old: dict[date, list[tuple[str, str]]] = defaultdict(list)
    exported: dict[date, list[Path]] = defaultdict(list)
    for day, table, path in _unpublished(clients, before * 1000):
        old[day].append((table, path))
    for day, directory in export.older(clients.settings, before):
        exported[day].append(directory)
    cleaned = Cleaned()
    for day in sorted({*old, *exported}):
        ledger = Ledger(clients.postgres, day)
        try:
            if (run := _take(ledger, clients)) is not None:
                cleaned.skipped[day] = run
                continue
            cleaned.removed += _remove(clients, ledger, old[day], exported[day])
        finally:
            ledger.close()
    if cleaned.skipped and not cleaned.removed:
        runs = ", ".join(sorted({str(run) for run in cleaned.skipped.values()}))
        raise TryAgain(
            f"nothing was removed: {len(cleaned.skipped)} dates are in use by the run of {runs}",
            where=f"dates {min(cleaned.skipped)} to {max(cleaned.skipped)}",
            next="./submit.sh retention, when it has ended",
        )
    return cleaned


def _unpublished(clients: Clients, before_ms: float) -> Iterator[tuple[date, str, str]]:
    """Date, table and path of the old directories in HDFS that nobody reads from."""
    for contract in all_contracts():
        published = {p.location for p in clients.metastore.partitions(contract.name).values()}
        root = runs_root(clients.settings, contract.name, date.min).rsplit("/", 1)[0]
        for folder in clients.hdfs.list(root) if clients.hdfs.exists(root) else []:
            with suppress(ValueError):  # no date's
                day = date.fromisoformat(folder.name)
                for entry in clients.hdfs.list(folder.path):
                    if entry.path not in published and entry.modified_ms < before_ms:
                        yield day, contract.name, entry.path


def _take(ledger: Ledger, clients: Clients) -> date | None:
    """Takes the lock of the ledger's date; or the date of the run that is in the way."""
    try:
        ledger.lock(0)
    except TryAgain:
        return ledger.day
    furthest = ledger.day.toordinal() + reach(clients.settings)
    # a run may go by other settings than today's: then what it has pinned is known
    pinned = pinned_by(clients.postgres, ledger.day)
    later = [run for run in locked_dates(clients.postgres) if ledger.day < run]
    return min((run for run in later if run.toordinal() <= furthest or run in pinned), default=None)


def _remove(clients: Clients, ledger: Ledger, old: list[tuple[str, str]], exported: list[Path]) -> int:
    """Removes the directories of a date whose lock is held; those that the next start would still publish stay."""
    promised = ledger.promised_locations()
    removed = 0
    for table, path in old:
        partition = clients.metastore.partition(table, ledger.day)
        if path not in promised and (partition is None or partition.location != path):
            clients.hdfs.delete(path)
            removed += 1
    for directory in exported:
        export.remove(directory)
    return removed + len(exported)
