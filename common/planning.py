"""The planning models: SQL of `sql/planning/<table>/`, rendered and run on Trino.

A model names its tables by placeholders (`$pos_order_lines`), never by schema: the night, a test over inline rows and a
what-if over an overlay run the very same text. Within one night the models read each other's results before they are
published, through scratch tables over the private directories that will be published.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from string import Template
from typing import Any

from common.contracts import all_contracts, contract
from common.dates import window_before
from common.errors import Misconfigured
from common.exceptions.codes import expressions
from common.planning_options import OPTIONS, chosen_text, filled_inputs, options_of
from common.publish.flip import RUN_ID
from common.publish.released import first_day
from common.publish.run import Clients, Run, inputs_at, table_root
from common.settings import ROOT
from common.stages import Input

MODELS = ("open_orders", "net_demand", "order_decisions", "purchase_order_lines", "exceptions")
OPTIONAL = ("planning.open_orders", "staging.receipts", "staging.calendar_days")  # not every date has them
_WORDS = ("policy", "lead_time", "supplier_minimum", "hold_on_spike")  # settings that models read as words
_LINES, _STOCK, _RECEIPTS = "staging.pos_order_lines", "staging.warehouse_stock", "staging.receipts"
_EXCEPTIONS = "planning.exceptions"
NO_DAY = date.min  # no partition is of this date


@dataclass(frozen=True)
class Facts:
    """What a model can't read from its tables.

    order_lines_run, stock_run, receipts_run  runs that published the date's order lines, stock and receipts: only their
                                rejected rows count
    published_days              days of the history window that have published order lines
    previous_stock_dates        earlier dates within the window whose published snapshots are looked at: each warehouse's latest
    open_orders_from            earliest date whose released orders may still be open
    last_exceptions_date        latest earlier date within the window with published exceptions; date.min is none
    filled                      columns of master data, as `table.column`, that some row sets: with the settings they say
                                which options are in use (common/planning_options.py). More than are set are only slower.
    """

    order_lines_run: int
    stock_run: int
    published_days: int = 0
    previous_stock_dates: tuple[date, ...] = ()
    open_orders_from: date = NO_DAY
    last_exceptions_date: date = NO_DAY
    filled: frozenset[str] = frozenset()
    receipts_run: int = 0


def settings_values(settings: Mapping[str, Any]) -> dict[str, str]:
    """The settings that models use, by placeholder: whole numbers, words and a currency code, as common/setting_rules.py
    lets them pass when they are loaded."""
    values = {
        key.partition(".")[2]: str(int(settings[key]))
        for key in (
            "planning.history_days", "planning.min_history_days", "planning.spike_min_qty", "planning.spike_factor",
            "planning.drop_min_median_qty", "planning.missing_store_weekdays", "planning.missing_store_sent",
            "planning.open_order_grace_days", "planning.open_order_given_up_days",
            "planning.level_share_percent", "planning.max_order_qty", "planning.fill_max_days",
            "planning.minimum_order_units", "planning.minimum_order_value",
            "planning.rejected_notice_permille", "planning.excess_min_days", "planning.excess_min_cost",
            "staging.short_snapshot_percent",
        )
    }  # fmt: skip
    words = {name: str(settings[f"planning.{name}"]).lower() for name in _WORDS}
    return {**values, **words, "currency": str(settings["business.currency"])}


def render(model: str, day: date, settings: Mapping[str, Any], references: Mapping[str, str], facts: Facts) -> str:
    """The SQL of a model.

    references  how each table is read, by its name without schema (`pos_order_lines`, `net_demand`, ...): a table, or a
                relation in parentheses, with the columns of its contract and `business_date`
    """
    values = {
        **settings_values(settings),
        "last_exceptions": nothing_of(_EXCEPTIONS),
        **references,
        "business_date": day.isoformat(),
        "pos_order_lines_run": str(int(facts.order_lines_run)),
        "warehouse_stock_run": str(int(facts.stock_run)),
        "receipts_run": str(int(facts.receipts_run)),
        "published_days": str(int(facts.published_days)),
        "previous_stock_dates": ", ".join(f"date '{day}'" for day in facts.previous_stock_dates or [NO_DAY]),
        "open_orders_from": facts.open_orders_from.isoformat(),
        "last_exceptions_date": facts.last_exceptions_date.isoformat(),
    }
    options = options_of(settings, facts.filled)
    try:
        values |= {name: Template(sql).substitute(values) for name, sql in expressions().items()}
        return Template(chosen_text(model_text(model), options)).substitute(values)
    except KeyError as error:
        raise Misconfigured(f"the model {model} asks for {error}, which nobody gives", where=f"sql/planning/{model}") from None


def model_text(model: str) -> str:
    """The template of a model: its `model.sql`, or the numbered parts of a long one (`1_inputs.sql`, ...) as one statement."""
    folder = ROOT / "sql" / "planning" / model
    parts = sorted(folder.glob("[1-9]_*.sql")) or [folder / "model.sql"]
    return "\n".join(part.read_text(encoding="utf-8") for part in parts)


def tables_read(model: str, options: Collection[str] = OPTIONS) -> list[str]:
    """The tables that a model reads where these options are on, as `schema.table`, in the order of first use."""
    known = {c: f"planning.{c}" for c in MODELS} | {c.table: c.name for c in all_contracts() if c.schema == "audit"}
    found = dict.fromkeys(re.findall(r"from \$(\w+)", chosen_text(model_text(model), options)))
    return [known.get(name, f"staging.{name}") for name in found if name != "last_exceptions"]


def inputs_of(run: Run, models: Iterable[str], options: Collection[str] = OPTIONS) -> list[Input]:
    """The published (or, within this night, pending) tables of the date that models read, less those they make themselves."""
    models = list(models)
    made = {f"planning.{model}" for model in models}
    tables = dict.fromkeys(table for model in models for table in tables_read(model, options))
    needed = [table for table in tables if table not in made and table not in OPTIONAL and not table.startswith("audit.")]
    found = [run.input_of(table) for table in tables if table in OPTIONAL and table not in made]
    return [run.need_published(table) for table in needed] + [item for item in found if item]


def calendar_inputs(run: Run) -> list[Input]:
    """The date's calendar where there is one: whether it has rows decides which options are on, also in models that read none."""
    calendar = run.input_of("staging.calendar_days")
    return [calendar] if calendar else []


def history_inputs(run: Run) -> list[Input]:
    """The earlier dates that exceptions look at, but for the stock: the window's published order lines, the exceptions before."""
    window = exceptions_window(run)
    return inputs_at(run.metastore, _LINES, window) + inputs_at(run.metastore, _EXCEPTIONS, window)[-1:]


def exceptions_window(run: Run) -> list[date]:
    """The dates before the run's that exceptions may look at, oldest first."""
    reach = max(run.settings["planning.history_days"], 7 * run.settings["planning.missing_store_weekdays"])
    return window_before(run.day, reach)


def window_inputs(run: Run, tables: Iterable[str]) -> list[Input]:
    """The published dates of the history window of some tables."""
    window = window_before(run.day, run.settings["planning.history_days"])
    return [item for table in tables for item in inputs_at(run.metastore, table, window)]


def facts_of(run: Run, inputs: Iterable[Input]) -> Facts:
    """The facts of a night, from its pinned inputs."""
    inputs = list(inputs)
    earlier: dict[str, list[date]] = {_LINES: [], _STOCK: [], _EXCEPTIONS: []}
    for item in inputs:
        table, _, day = item.name.rpartition("/")
        if table in earlier and day != run.day.isoformat():
            earlier[table].append(date.fromisoformat(day))
    window = window_before(run.day, run.settings["planning.history_days"])
    return Facts(
        order_lines_run=_publisher(run, _LINES),
        stock_run=_publisher(run, _STOCK),
        receipts_run=_publisher(run, _RECEIPTS),
        published_days=sum(day in earlier[_LINES] for day in window),
        previous_stock_dates=tuple(sorted(earlier[_STOCK])),
        open_orders_from=first_day(run),
        last_exceptions_date=max(earlier[_EXCEPTIONS], default=NO_DAY),
        filled=filled_inputs(run.hdfs, run.day, inputs),
    )


def build(run: Run, model: str, facts: Facts) -> str:
    """Runs a model into a private directory and returns that; the rest of the night reads it under the model's name.

    What a statement whose answer was lost left behind is swept by the next start.
    """
    table = f"planning.{model}"
    tables = tables_read(model, options_of(run.settings, facts.filled))
    references = {name.partition(".")[2]: _reference(run, name) for name in tables}
    if facts.last_exceptions_date != NO_DAY:
        # the table may be of before a column that the model reads of it
        run.metastore.ensure_tables([(contract(_EXCEPTIONS), table_root(run.settings, _EXCEPTIONS))])
        references["last_exceptions"] = f"hive.{_EXCEPTIONS}"
    query = render(model, run.day, run.settings, references, facts)

    def target() -> tuple[str, str]:
        location = run.private_dir(table)
        return location, run.scratch_name(location)

    location, scratch = write(run.clients, query, target)
    run.await_publication(table, location, scratch)
    return location


def write(clients: Clients, query: str, target: Callable[[], tuple[str, str]]) -> tuple[str, str]:
    """Writes the rows of a query into a directory; returns that, and the table of schema `scratch` over it.

    `target` names the two: others each time that the statement has to be run again, since what one whose answer was lost
    still writes must be in nobody's way.
    """
    location = scratch = ""

    def statement() -> str:
        nonlocal location, scratch
        location, scratch = target()
        place = f"{clients.hdfs.url.rstrip('/')}{location}"
        return f"create table hive.scratch.{scratch} with (format = 'PARQUET', external_location = '{place}') as\n{query}"

    clients.trino.execute(statement)
    return location, scratch


def counts(run: Run, model: str, by: str) -> dict[str, int]:
    """Rows of a result of this night by the values of one of its columns, the most frequent first."""
    if by not in {column.name for column in contract(f"planning.{model}").columns}:
        raise Misconfigured(f"planning.{model} has no column {by}")
    rows = run.trino.rows(f"select {by}, count(*) from {run.reference(f'planning.{model}')} group by 1 order by 2 desc, 1")
    return {str(value): int(count) for value, count in rows}


def _reference(run: Run, table: str) -> str:
    if table.startswith("audit."):
        return f"delta.{table}"
    if table in OPTIONAL and table not in run.pending and not run.metastore.partitions(table):
        return nothing_of(table)
    return run.reference(table)


def nothing_of(table: str) -> str:
    """A relation with the columns of a table and no row: what a table that nobody has made yet holds."""
    columns = [(c.name, c.type) for c in contract(table).columns] + [("business_date", "date")]
    return f"(select {', '.join(f'cast(null as {kind}) as {name}' for name, kind in columns)} where false)"


def _publisher(run: Run, table: str) -> int:
    partition = run.published(table)
    return int(partition.parameters[RUN_ID]) if partition else 0
