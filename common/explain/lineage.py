"""Which run decided a date, and from which directories: the ledger's pinned inputs, followed back to the raw files.

What is explained is what was decided: the tables that the run read, where they lay then, even when they have been staged
again since. Run directories are never changed, so the rows read here are the rows that the run read.
"""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Any

from common.errors import NoInput
from common.explain.nearest import nearest_dates
from common.landing.manifest import find_manifest
from common.publish.flip import RUN_ID
from common.publish.run import Clients
from common.settings import Settings

DECISIONS, LINES, NEED = "planning.order_decisions", "planning.purchase_order_lines", "planning.net_demand"
EXCEPTIONS, ORDER_LINES, STOCK = "planning.exceptions", "staging.pos_order_lines", "staging.warehouse_stock"
OPEN_ORDERS, CALENDAR = "planning.open_orders", "staging.calendar_days"


@dataclass(frozen=True)
class Made:
    """An execution of a stage: which run of which code, what it read and what it wrote.

    rows    counts by outcome
    inputs  location or fingerprint by name, such as `staging.products/2017-12-23` or `raw/orders/2017-12-23`
    tables  directory in HDFS by table
    """

    run_id: int
    stage: str
    command: str
    code_version: str
    settings_hash: str
    ended_at: datetime | None
    inputs: Mapping[str, str]
    tables: Mapping[str, str]
    rows: Mapping[str, int]
    notes: Mapping[str, Any]

    @property
    def settings(self) -> Mapping[str, Any]:
        """The settings that could change its result, as they were; an older run has not recorded them."""
        return self.notes.get("settings") or {}

    def said(self) -> dict[str, Any]:
        """What JSON tells of it."""
        names = ("run_id", "stage", "command", "code_version", "settings_hash", "ended_at")
        return {name: getattr(self, name) for name in names}


@dataclass(frozen=True)
class Lineage:
    """A decision of a date and all that it was made from.

    made       the execution that wrote each table; a table that the ledger does not know is not in it
    locations  directory in HDFS of each table, as the decision read it
    history    directory of staging.pos_order_lines by day, as the decision read the window before; where it did not, as its
               exceptions did
    stock_history  directory of staging.warehouse_stock by day, as the decision read the window; empty where it did not
    raw        fingerprint of each raw folder (`raw/orders/2017-12-23`) at that time
    notes      what a reader should know, such as inputs that were staged again since
    """

    day: date
    made: Mapping[str, Made]
    locations: Mapping[str, str]
    history: Mapping[date, str]
    raw: Mapping[str, str]
    exported: Made | None = None
    notes: tuple[str, ...] = field(default=())
    stock_history: Mapping[date, str] = field(default_factory=dict)

    def at(self, **locations: str) -> Lineage:
        """The same with some tables (`order_decisions=...`) in other directories."""
        moved = {name: locations.get(name.partition(".")[2], path) for name, path in self.locations.items()}
        return replace(self, locations=moved)


def lineage(clients: Clients, day: date, run_id: int | None = None) -> Lineage:
    """The published decision of a date, or that of one run; NoInput, with the nearest dates, when there is none."""
    executions = _executions(clients, day)
    start = _decision(clients, day, executions, run_id)
    made, locations, raw = _walk(day, start, executions)
    if NEED in made and OPEN_ORDERS in made[NEED].tables:
        made[OPEN_ORDERS], locations[OPEN_ORDERS] = made[NEED], made[NEED].tables[OPEN_ORDERS]
    exceptions = _reader_of(executions, "exceptions", f"{DECISIONS}/{day}", locations[DECISIONS])
    exported = _reader_of(executions, "export_orders", f"{LINES}/{day}", locations[LINES])
    notes = []
    if exceptions:
        made[EXCEPTIONS], locations[EXCEPTIONS] = exceptions, exceptions.tables[EXCEPTIONS]
    else:
        notes.append(f"exceptions were never listed for this plan: ./submit.sh exceptions {day}")
    reach = history_days(clients.settings, start.settings)
    stock_history = _window(start, STOCK, day, reach)
    history = _window(start, ORDER_LINES, day, reach) or _history(clients, day, exceptions, reach)
    notes += _since(clients, day, locations, raw)
    return Lineage(day, made, locations, history, raw, exported, tuple(notes), stock_history)


def _executions(clients: Clients, day: date) -> list[Made]:
    """Every execution of a stage of a date that published, or was about to, the newest first."""
    exists = clients.postgres.rows("select to_regclass('ops.stages') is not null")[0][0]
    rows = clients.postgres.rows(
        "select s.run_id, s.stage, r.command, r.code_version, r.settings_hash, s.ended_at, s.inputs, s.tables, s.rows, s.notes"
        " from ops.stages s join ops.runs r using (run_id)"
        " where r.business_date = %s and s.status in ('succeeded', 'publishing') order by s.run_id desc, s.started_at desc",
        (day,),
    ) if exists else []  # fmt: skip
    return [
        Made(run, stage, command, code, settings, ended, {i["name"]: i["fingerprint"] for i in inputs}, tables, counts, notes)
        for run, stage, command, code, settings, ended, inputs, tables, counts, notes in rows
    ]


def _decision(clients: Clients, day: date, executions: list[Made], run_id: int | None) -> Made:
    if run_id is not None:
        runs = sorted({e.run_id for e in executions if DECISIONS in e.tables})
        found = [e for e in executions if e.run_id == run_id and DECISIONS in e.tables]
        if not found:
            known = f"runs that did: {', '.join(map(str, runs))}" if runs else "no run did"
            raise NoInput(f"run {run_id} decided nothing for {day}", where=known, next=f"./submit.sh status {day}")
        return found[0]
    published = clients.metastore.partitions(DECISIONS)
    if day.isoformat() not in published:
        near = nearest_dates(day, map(date.fromisoformat, published))
        known = f"the nearest planned dates: {', '.join(map(str, near))}" if near else "no date is planned yet"
        raise NoInput(f"{day} is not planned: {DECISIONS} of it is not published", where=known, next=f"./submit.sh all {day}")
    location = published[day.isoformat()].location
    for execution in executions:
        if execution.tables.get(DECISIONS) == location:
            return execution
    raise NoInput(
        f"the ledger does not know the run that decided {day}", where=location, next=f"./submit.sh purchase_orders {day} --force"
    )


def _walk(day: date, start: Made, executions: list[Made]) -> tuple[dict[str, Made], dict[str, str], dict[str, str]]:
    """From the decision back to the raw folders: who made each table, where it lay, and the raw folders' fingerprints.

    A table that two of the stages read in two states is told as the later stage read it.
    """
    made = dict.fromkeys(start.tables, start)
    locations = dict(start.tables)
    raw: dict[str, str] = {}
    waiting = [start]
    while waiting:
        execution = waiting.pop(0)
        for name, fingerprint in execution.inputs.items():
            table, _, on = name.rpartition("/")
            if on != day.isoformat():
                continue
            if table.startswith("raw/"):
                raw.setdefault(name, fingerprint)
            elif table not in locations:
                locations[table] = fingerprint
                if maker := next((e for e in executions if e.tables.get(table) == fingerprint), None):
                    made[table] = maker
                    waiting.append(maker)
    return made, locations, raw


def _reader_of(executions: list[Made], stage: str, name: str, location: str) -> Made | None:
    return next((e for e in executions if e.stage == stage and e.inputs.get(name) == location), None)


def history_days(settings: Settings, recorded: Mapping[str, Any]) -> int:
    """The length of the window that a run looked at: as it was then, today's where it has not recorded it."""
    return int(recorded.get("planning.history_days", settings["planning.history_days"]))


def _window(read: Made, table: str, day: date, reach: int) -> dict[date, str]:
    """Where an execution read a table on the days of the window before the date."""
    pinned = {n.rpartition("/")[::2]: at for n, at in read.inputs.items()}
    return _before({on: at for (name, on), at in pinned.items() if name == table}, day, reach)


def _history(clients: Clients, day: date, exceptions: Made | None, reach: int) -> dict[date, str]:
    """The window before the date as the exceptions read it; without them, as it is published now."""
    if exceptions:
        return _window(exceptions, ORDER_LINES, day, reach)
    return _before({on: p.location for on, p in clients.metastore.partitions(ORDER_LINES).items()}, day, reach)


def _before(locations: Mapping[str, str], day: date, reach: int) -> dict[date, str]:
    """The locations, by day as text, of the days of the window before the date, in order."""
    days = {date.fromisoformat(on): at for on, at in locations.items()}
    return {on: at for on, at in sorted(days.items()) if 1 <= (day - on).days <= reach}


def _since(clients: Clients, day: date, locations: Mapping[str, str], raw: Mapping[str, str]) -> list[str]:
    """What has been published since in place of what was read: the explanation is of the old rows."""
    with ThreadPoolExecutor(6) as pool:
        published = pool.map(lambda table: clients.metastore.partition(table, day), locations)
        raw_now = pool.map(lambda name: find_manifest(clients.hdfs, f"{clients.settings['hdfs.raw']}/{name[4:]}"), raw)
    other: dict[str, list[str]] = {}
    for (table, location), now in zip(locations.items(), published, strict=True):
        if now is None or now.location != location:
            other.setdefault(f"of run {now.parameters.get(RUN_ID)}" if now else "not published", []).append(table)
    for (name, fingerprint), manifest in zip(raw.items(), raw_now, strict=True):
        if manifest is None or manifest.fingerprint != fingerprint:
            other.setdefault("other files", []).append(f"/{name}/")
    return [
        f"{_listed(what)} {'is' if len(what) == 1 else 'are'} now {which}; this explains what was read then"
        for which, what in other.items()
    ]


def _listed(names: list[str]) -> str:
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return ", ".join(names[:3]) + more
