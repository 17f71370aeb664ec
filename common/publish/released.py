"""What earlier dates released, as a later date depends on it: which orders may be received, and which are still open.

Reads the record audit.released_orders (Delta). Its dates are the folders of its partitions; what a date's release is
worth comes from the ledger's last export of that date, so that a replay of an earlier date which releases the same
again changes nothing for later ones.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta

import pyarrow as pa

from common.errors import NoInput
from common.publish.release import TABLE, Decision
from common.publish.run import Run, fingerprint_of, table_root
from common.stages import Input

DIGEST = "released"  # in the notes of the stage export_orders
_FOLDER = "business_date="


def digest(decisions: Iterable[Decision]) -> str:
    """What a date has released: every order number with its revision and bytes; equal releases have equal digests."""
    lines = sorted(f"{d.order_number} {d.revision} {hashlib.sha256(d.data).hexdigest()}" for d in decisions)
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def first_day(run: Run) -> date:
    """The earliest date whose released orders can still be open on the run's date."""
    return run.day - timedelta(days=run.settings["planning.open_order_days"])


def released_inputs(run: Run) -> list[Input]:
    """The releases of earlier dates within the window, oldest first; an empty list costs one look into HDFS."""
    root = table_root(run.settings, TABLE)
    try:
        folders = {entry.name.removeprefix(_FOLDER): entry.path for entry in run.hdfs.list(root) if _FOLDER in entry.name}
    except NoInput:
        return []
    first, last = first_day(run).isoformat(), run.day.isoformat()
    found = {day: path for day, path in sorted(folders.items()) if first <= day < last}
    digests = _recorded(run, list(found)) if found else {}
    return [Input(f"{TABLE}/{day}", path, digests.get(day) or _listing(run, path)) for day, path in found.items()]


def order_numbers(run: Run, released: Sequence[Input]) -> pa.Array:
    """The order numbers of those releases, sorted."""
    numbers: list[str] = []
    if released:
        days = ", ".join(f"date '{date.fromisoformat(item.name.rpartition('/')[2])}'" for item in released)
        rows = run.trino.rows(f"select distinct order_number from delta.{TABLE} where business_date in ({days})")
        numbers = [row[0] for row in rows]
    return pa.array(sorted(numbers), pa.string())


def _recorded(run: Run, days: Sequence[str]) -> Mapping[str, str | None]:
    rows = run.postgres.rows(
        "select distinct on (r.business_date) r.business_date, s.notes ->> %s from ops.stages s join ops.runs r using (run_id)"
        " where r.business_date = any(%s::date[]) and s.stage = 'export_orders' and s.status = 'succeeded'"
        " order by r.business_date, s.run_id desc",
        (DIGEST, list(days)),
    )
    return {str(day): value for day, value in rows}


def _listing(run: Run, path: str) -> str:
    """Of a date that the ledger does not know (lost, or older than this note): the files of its partition, which only grow."""
    return fingerprint_of(sorted((entry.name, entry.size) for entry in run.hdfs.list(path)))
