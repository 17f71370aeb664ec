"""What the report tells beyond the order files: why each line is what it is, recent demand, raw files, times of stages.

Read from what the night stored: planning.order_decisions, the order lines of the history window, and the ledger.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from common.clients.postgres import Postgres
from common.clients.trino import text_literal
from common.contracts import contract
from common.dates import window_before
from common.exceptions.worklist import gone, last_night
from common.planning_steps import STEPS
from common.publish.run import Run
from common.stages import NIGHT

DECISIONS, EXCEPTIONS, LINES = "planning.order_decisions", "planning.exceptions", "staging.pos_order_lines"
# columns of planning.order_decisions: what tells a line's reason in one sentence, and what is unfolded under it
TOLD = ("outcome", "bound_by")
SHOWN = (
    "policy", "supplier_id", "supplier_priority", "passed_over_supplier_id", "pack_size", "pack_size_source", "moq",
    "moq_source", "lead_time_days", "lead_time_source", "requirement_qty", "window_demand_qty", "window_days", "horizon_days",
    "safety_stock_qty", "position_qty", "on_order_qty", "max_order_qty", *(step.column for step in STEPS),
)  # fmt: skip
OUTCOMES = ("accepted", "rejected", "set_aside", "duplicates")


@dataclass(frozen=True)
class Execution:
    """The newest execution of a stage that succeeded, or that is under way; times in UTC."""

    stage: str
    run_id: int
    rows: Mapping[str, int]
    notes: Mapping[str, Any]
    started: datetime
    ended: datetime | None

    @property
    def seconds(self) -> float | None:
        """How long it took; None while it runs."""
        return (self.ended - self.started).total_seconds() if self.ended else None


@dataclass(frozen=True)
class FileCounts:
    """What became of one raw file: order or stock lines read, and by outcome, in the order of OUTCOMES."""

    kind: str
    name: str
    read: int
    outcomes: tuple[int, ...]

    @property
    def is_whole(self) -> bool:
        """Whether every line that was read has exactly one outcome."""
        return self.read == sum(self.outcomes)


@dataclass(frozen=True)
class Facts:
    """What a report needs to know beyond orders and exceptions.

    decisions   rows of planning.order_decisions by SKU: all that is ordered, and all that an exception is about
    history     units of each day by SKU, for the SKUs that get a chart; a day without a sale is not in it
    days        the days of the history window that have published order lines, the business date last
    executions  of the date's stages, in the order of the night
    gone        exceptions of the planned date before, `compared_with`, that do not stand any more
    """

    decisions: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    history: Mapping[str, Mapping[date, int]] = field(default_factory=dict)
    days: tuple[date, ...] = ()
    executions: tuple[Execution, ...] = ()
    gone: tuple[Mapping[str, Any], ...] = ()
    compared_with: date | None = None

    @property
    def files(self) -> list[FileCounts]:
        """The raw files of the date with their counts; first those that do not add up, then by kind and name."""
        found = []
        for execution in self.executions:
            for name, counts in (execution.notes.get("files") or {}).items():
                outcomes = tuple(int(counts.get(outcome, 0)) for outcome in OUTCOMES)
                found.append(FileCounts(execution.stage.removeprefix("stage_"), name, int(counts["read"]), outcomes))
        return sorted(found, key=lambda file: (file.is_whole, file.kind, file.name))


def read_facts(run: Run, charted: Sequence[str]) -> Facts:
    """The facts of a date, as this run sees its tables; the history of the SKUs in `charted`. The queries run side by side."""
    with ThreadPoolExecutor(4) as pool:
        closed = pool.submit(_gone, run)
        decisions = pool.submit(_decisions, run)
        history = pool.submit(run.trino.rows if charted else lambda _: [], _history_sql(run, charted))
        executions = pool.submit(executions_of, run.postgres, run.day, run.run_id)
        units: dict[str, dict[date, int]] = {}
        for sku, day, quantity in history.result():
            units.setdefault(sku, {})[day] = int(quantity)
        return Facts(decisions.result(), units, _days(run), executions.result(), *closed.result())


def executions_of(postgres: Postgres, day: date, run_id: int = 0) -> tuple[Execution, ...]:
    """The newest execution of each stage of a date that succeeded; those of the given run although they still run."""
    rows = postgres.rows(
        "select distinct on (s.stage) s.stage, s.run_id, s.rows, s.notes, s.started_at, s.ended_at"
        " from ops.stages s join ops.runs r using (run_id)"
        " where r.business_date = %s and (s.status = 'succeeded' or s.run_id = %s and s.status in ('running', 'publishing'))"
        " order by s.stage, s.run_id desc",
        (day, run_id),
    )
    found = [Execution(*row) for row in rows if row[0] in NIGHT]
    return tuple(sorted(found, key=lambda execution: NIGHT.index(execution.stage)))


def _decisions(run: Run) -> dict[str, dict[str, Any]]:
    # only what is shown: each value costs its way from Trino
    stored = {column.name for column in contract(DECISIONS).columns}
    names = [name for name in ("sku", "product_name", *TOLD, *SHOWN) if name in stored]
    day = f"business_date = date '{run.day}'"
    rows = run.trino.rows(
        f"select {', '.join(names)} from {run.reference(DECISIONS)} where {day} and (outcome = 'ordered' or sku in"
        f" (select sku from {run.reference(EXCEPTIONS)} where {day}))"
    )
    return {row[0]: dict(zip(names, row, strict=True)) for row in rows}


def _gone(run: Run) -> tuple[tuple[Mapping[str, Any], ...], date | None]:
    last = last_night(run.clients, run.day)
    return tuple(gone(run.trino, run.day, last)), last.day


def _window(run: Run) -> list[date]:
    return [*window_before(run.day, run.settings["planning.history_days"]), run.day]


def _days(run: Run) -> tuple[date, ...]:
    published = run.metastore.partitions(LINES)
    return tuple(day for day in _window(run) if day.isoformat() in published)


def _history_sql(run: Run, charted: Sequence[str]) -> str:
    # the days by bounds, so that no other partition is listed; the few SKUs by name, which costs no join
    return (
        f"select sku, business_date, sum(cast(quantity as decimal(38, 0))) from {run.reference(LINES)}"
        f" where business_date between date '{_window(run)[0]}' and date '{run.day}'"
        f" and sku in ({', '.join(map(text_literal, charted))}) group by sku, business_date"
    )
