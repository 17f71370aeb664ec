"""What is published of a date and was made from inputs that are others by now, of the date itself or of an earlier one.

The ledger has the inputs of every stage, one by one. Whether a result is stale is asked of the stage itself: what it
would read now against what it read, so that an input that came later (an earlier date that ran after this one) counts, too.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import Any

from common.clients.metastore import Metastore, Partition
from common.errors import Failure
from common.publish.run import Clients, Run
from common.settings import Settings
from common.stages import NIGHT, stage

# the stages that may read other dates than their own, and the settings that say how far back: each in so many days
ACROSS_DATES = ("stage_receipts", "net_demand", "purchase_orders", "exceptions")
_REACH = {"planning.open_order_days": 1, "planning.history_days": 1, "planning.missing_store_weekdays": 7}


@dataclass(frozen=True)
class Stale:
    """One stage of one date whose inputs have changed: `changed` says how, in words."""

    day: date
    stage: str
    changed: tuple[str, ...]

    def __str__(self) -> str:
        more = f" and {len(self.changed) - 1} more" if len(self.changed) > 1 else ""
        return f"{self.stage} of {self.day} {self.changed[0]}{more}; ./submit.sh all {self.day}"


def stale(clients: Clients, days: Sequence[date], stages: Sequence[str] = NIGHT) -> list[Stale]:
    """What is stale of these dates, in order; of each stage its last success counts, where it is still what is published."""
    rows = clients.postgres.rows(
        "select distinct on (r.business_date, s.stage) r.business_date, s.stage, s.inputs, s.tables, s.notes"
        " from ops.stages s join ops.runs r using (run_id)"
        " where r.business_date = any(%s) and s.stage = any(%s) and s.status = 'succeeded'"
        " order by r.business_date, s.stage, s.run_id desc",
        (list(days), list(stages)),
    )
    seen, found = _Seen(clients.settings), []
    for day, name, inputs, tables, notes in sorted(rows, key=lambda row: (row[0], NIGHT.index(row[1]) if row[1] in NIGHT else 0)):
        if name not in NIGHT or not all(seen.is_published(table, day, path) for table, path in tables.items()):
            continue
        changed = _changes({i["name"]: i["fingerprint"] for i in inputs}, seen, day, name, notes.get("settings", {}))
        if changed:
            found.append(Stale(day, name, tuple(changed)))
    return found


def reach(settings: Settings) -> int:
    """How many days before its own a run with these settings reads at most."""
    return max(days * int(settings[key]) for key, days in _REACH.items())


def later_dates(clients: Clients, day: date) -> list[date]:
    """The dates after `day` that ran and may depend on it, in order: by today's settings, or by those that they ran with."""
    own = ", ".join(f"{days} * coalesce((s.notes #>> '{{settings,{key}}}')::integer, 0)" for key, days in _REACH.items())
    rows = clients.postgres.rows(
        "select distinct r.business_date from ops.stages s join ops.runs r using (run_id)"
        f" where r.business_date > %s and r.business_date - %s <= greatest(%s, {own})"
        " and s.stage = any(%s) and s.status = 'succeeded' order by 1",
        (day, day, reach(clients.settings), list(ACROSS_DATES)),
    )
    return [row[0] for row in rows]


def stale_later(clients: Clients, days: Sequence[date]) -> list[Stale]:
    """What later dates have published from what these dates had before they ran again; the dates themselves are left out."""
    later = {day for ran in days for day in later_dates(clients, ran)} - set(days)
    return stale(clients, sorted(later), ACROSS_DATES)


def backfill_command(days: Sequence[date]) -> str:
    """The command that makes these dates anew, in order."""
    return f"./submit.sh backfill {min(days)}..{max(days)}"


def _changes(pinned: Mapping[str, str], seen: _Seen, day: date, name: str, settings: Mapping[str, Any]) -> list[str]:
    run = Run(seen, day, 0, argparse.Namespace(quiet=True))
    try:
        # which inputs a stage has depends on settings: those that it ran with, whatever they are by now
        run.settings = seen.settings.replaced({k: v for k, v in settings.items() if k in seen.settings})
        now = {i.name: i.fingerprint for i in stage(name).reads(run)}
    except Failure as fault:
        return [f"can't be made again as it is: {fault.what}"]
    changed = [f"was built on an older {item}" for item in pinned if item in now and now[item] != pinned[item]]
    changed += [f"was built without {item}" for item in now if item not in pinned]
    return changed + [f"was built with {item}, which is gone" for item in pinned if item not in now]


class _Remembered(Metastore):
    """A metastore that is asked for each table once."""

    @cached_property
    def _tables(self) -> dict[str, dict[str, Partition]]:
        return {}

    def partitions(self, table: str) -> dict[str, Partition]:
        if table not in self._tables:
            self._tables[table] = super().partitions(table)
        return self._tables[table]

    def partition(self, table: str, day: date) -> Partition | None:
        return self.partitions(table).get(day.isoformat())


class _Seen(Clients):
    """The services, with such a metastore."""

    metastore_client = _Remembered

    def is_published(self, table: str, day: date, path: str) -> bool:
        """Whether the table's partition of the date points at that directory."""
        partition = self.metastore.partition(table, day)
        return partition is not None and partition.location == path
