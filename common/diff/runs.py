"""Plans that runs have made: which there are of a date, what each had pinned, and the two sides of a comparison.

The ledger keeps of each stage that a run executed its inputs, its directories, the settings that decide and the code
version. What was published when a run ended is, stage by stage, the last success up to it.
"""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from common.clients.metastore import Partition
from common.dates import window_before
from common.diff.lines import COLUMNS, Key, Line, plan_of
from common.diff.parts import Side
from common.diff.pins import Pins, directories, shifted
from common.errors import NoInput, Usage
from common.plan_world import MADE, World, input_tables, query
from common.planning import facts_of
from common.publish.flip import RUN_ID
from common.publish.ledger import StageRow
from common.publish.run import Clients, Run, code_version, inputs_at, run_of
from common.settings import Settings
from common.stages import NIGHT, Input, stage

LINES, _HISTORY = "planning.purchase_order_lines", "planning.history_days"


@dataclass(frozen=True)
class MadePlan:
    """A plan that was published when a run of its date ended.

    run_id        that run
    code_version  of the run that decided the orders
    tables        directory of each planning table
    inputs        what the planning stages had pinned, without the tables that they make themselves
    settings      the settings that decide, by dotted key; empty where the ledger does not have them
    """

    day: date
    run_id: int
    code_version: str
    tables: dict[str, str]
    inputs: tuple[Input, ...]
    settings: dict[str, Any]

    @property
    def name(self) -> str:
        """What messages and tables call it."""
        return f"run {self.run_id} of {self.day}"


class AsOf(Run):
    """A run that publishes nothing and sees what another had pinned in the place of what is published."""

    def __init__(self, clients: Clients, day: date, inputs: Sequence[Input], settings: Settings) -> None:
        super().__init__(clients, day, 0, Namespace(quiet=True))
        self.settings = settings
        self._pinned = directories(inputs)

    def published(self, table: str, day: date | None = None) -> Partition | None:
        """The pinned directory of a table, as if it were published, with the run that made it."""
        location = self._pinned.get(table, {}).get(day or self.day)
        return Partition(location, {RUN_ID: str(run_of(location))}) if location else None


def planning_stages() -> list[str]:
    """The stages whose tables are published together as the plan of a date."""
    return [name for name in NIGHT if stage(name).group == "planning"]


def made_plan(clients: Clients, day: date, run_id: int | None = None) -> MadePlan:
    """The plan of a date when a run ended (the latest where none is given); NoInput where there is none."""
    if run_id is not None and run_id not in {number for number, in _runs(clients, day)}:
        raise NoInput(f"{day} has no run {run_id}", where="ops.runs", next=f"./submit.sh status {day}")
    rows = [row for row in _executions(clients, day) if run_id is None or row[0].run_id <= run_id]
    latest = {row.stage: (row, code) for row, code in rows}
    if missing := [name for name in planning_stages() if name not in latest]:
        what = f"there is no plan of {day}" if run_id is None else f"run {run_id} left no plan of {day}"
        raise NoInput(f"{what}: {missing[0]} had not succeeded", where="ops.stages", next=f"./submit.sh status {day}")
    executions = [latest[name][0] for name in planning_stages()]
    tables = {table: path for row in executions for table, path in row.tables.items()}
    made = {f"planning.{model}" for model in MADE}
    own = {f"{table}/{day}" for table in made}
    inputs = {i["name"]: Input(**i) for row in executions for i in row.inputs if i["name"] not in own}
    # what these stages make and the plan reads, such as the position of open orders
    inputs |= {f"{table}/{day}": Input(f"{table}/{day}", path, path) for table, path in tables.items() if table not in made}
    settings = {key: value for row in executions for key, value in row.notes.get("settings", {}).items()}
    deciding = latest["purchase_orders"][1]
    last = run_id or max(row.run_id for row in executions)
    return MadePlan(day, last, deciding, tables, tuple(inputs.values()), settings)


def last_two(clients: Clients, day: date) -> tuple[int, int]:
    """The last two runs of a date that decided orders; NoInput where there are not two."""
    runs = [row.run_id for row, _ in _executions(clients, day) if row.stage == "purchase_orders"]
    if len(runs) < 2:
        raise NoInput(
            f"{len(runs) or 'no'} run has planned {day}, a comparison needs two",
            where="ops.stages",
            next=f"./submit.sh diff {day} <other date>",
        )
    return runs[-2], runs[-1]


def run_number(text: str) -> int:
    """A run's number as it was typed; Usage where it is none."""
    if not (text.isascii() and text.isdecimal() and 0 < int(text) < 2**63):
        raise Usage(f"{text!r} is not the number of a run", next="./submit.sh status <date> lists them")
    return int(text)


def needed(plan: MadePlan) -> list[Input]:
    """The directories that a comparison reads: what the plan had pinned, and its own order lines.

    Of a directory that is gone the metastore would make an empty one, and the plan would seem to have ordered nothing.
    """
    lines = plan.tables[LINES]
    return [*plan.inputs, Input(f"{LINES}/{plan.day}", lines, lines)]


def stored_lines(clients: Clients, pinned: Pins, plan: MadePlan) -> dict[Key, Line]:
    """The order lines that a run stored."""
    relation = pinned.reference(LINES, {plan.day: plan.tables[LINES]})
    return plan_of(clients.trino.rows(f"select {', '.join(COLUMNS)} from {relation}"))


def lines_of(clients: Clients, world: World) -> dict[Key, Line]:
    """The order lines of a world, by the SQL of the night; nothing is stored."""
    return plan_of(clients.trino.rows(f"select {', '.join(COLUMNS)} from ({query(world, 'purchase_order_lines')})"))


def side_of(clients: Clients, pinned: Pins, plan: MadePlan, changed: Mapping[str, Any] | None = None) -> Side:
    """A plan that was made, as a side of a comparison: its inputs as it had pinned them.

    changed  settings that are to be others than its own
    """
    own = clients.settings.replaced({k: v for k, v in plan.settings.items() if k in clients.settings})
    settings = own.replaced(changed or {})
    inputs = [*plan.inputs, *_older_lines(clients, plan, own, settings)]
    seen, names = AsOf(clients, plan.day, inputs, settings), input_tables()
    found = directories([*_unread(clients, plan, settings), *inputs])

    def reference(table: str, day: date) -> str:
        # a run that is older than a table had nothing of it: a table without a date is empty
        return pinned.reference(names[table], shifted(found.get(names[table], {}), day - plan.day))

    deciding = settings.under("planning.", "business.", "staging.")
    return Side(plan.day, deciding, facts_of(seen, inputs), reference, plan.code_version == code_version())


def _older_lines(clients: Clients, plan: MadePlan, own: Settings, changed: Settings) -> list[Input]:
    """Order lines of days that only a longer history window looks at, as they are published now."""
    if changed[_HISTORY] <= own[_HISTORY]:
        return []
    days = set(window_before(plan.day, changed[_HISTORY])) - set(window_before(plan.day, own[_HISTORY]))
    return inputs_at(clients.metastore, "staging.pos_order_lines", days)


def _unread(clients: Clients, plan: MadePlan, settings: Settings) -> list[Input]:
    """What a plan did not read because its options were off, and another one may: as it is published now."""
    window = window_before(plan.day, settings[_HISTORY])
    stock = inputs_at(clients.metastore, "staging.warehouse_stock", window)
    return [*stock, *inputs_at(clients.metastore, "staging.calendar_days", [plan.day])]


def replaced_since(clients: Clients, plan: MadePlan) -> list[str]:
    """The tables of the plan's date that it had read and that have been published again since."""
    today = [i for i in plan.inputs if i.name.endswith(f"/{plan.day}") and i.name.startswith("staging.")]
    found = {item.name: clients.metastore.partition(item.name.partition("/")[0], plan.day) for item in today}
    return [i.name.partition("/")[0] for i in today if (now := found[i.name]) is None or now.location != i.location]


def code_note(plan: MadePlan) -> list[str]:
    """What must be said of a plan whose code is not today's."""
    if plan.code_version == code_version():
        return []
    return [
        f"the code of {plan.name} is not today's and can't be run again: `code` is what today's code gives on its inputs,"
        " less what it stored"
    ]


def _runs(clients: Clients, day: date) -> list[tuple[Any, ...]]:
    return clients.postgres.rows("select run_id from ops.runs where business_date = %s order by run_id", (day,))


def _executions(clients: Clients, day: date) -> list[tuple[StageRow, str]]:
    rows = clients.postgres.rows(
        "select s.run_id, s.stage, s.status, s.fingerprint, s.inputs, s.tables, s.rows, s.notes, r.code_version"
        " from ops.stages s join ops.runs r using (run_id)"
        " where r.business_date = %s and s.status = 'succeeded' order by s.run_id",
        (day,),
    )
    wanted = planning_stages()
    return [(StageRow(*row[:-1]), row[-1]) for row in rows if row[1] in wanted]
