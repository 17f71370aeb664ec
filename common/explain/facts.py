"""All that was stored about one SKU of a date: the decision, what it was decided from, and what was said about it."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from typing import Any

from common.adhoc import READER
from common.clients.trino import Trino, text_literal
from common.errors import Failure, NoInput
from common.explain.lineage import (
    CALENDAR,
    DECISIONS,
    EXCEPTIONS,
    LINES,
    NEED,
    OPEN_ORDERS,
    ORDER_LINES,
    STOCK,
    Lineage,
    history_days,
)
from common.explain.nearest import nearest_skus
from common.explain.stored import Rows, all_rows, has_rows, rows_where
from common.explain.words import product_name
from common.publish.run import Clients
from common.terminal import Terminal

Row = Mapping[str, Any]
Grouped = dict[str, Rows]
_TABLES = (
    DECISIONS, NEED, LINES, EXCEPTIONS, ORDER_LINES, STOCK, OPEN_ORDERS,
    "staging.products", "staging.replenishment_rules", "staging.product_suppliers",
)  # fmt: skip


@dataclass(frozen=True)
class Facts:
    """Rows of one SKU, each as its table has it.

    history   units of each day of the window before the date; None is a day without published order lines
    free      units free on those days of the window that may count under order_up_to: with order lines, and the SKU in a
              snapshot; None where the run did not read them
    calendar  the days of its suppliers and of the receiver that are not as usual; None of a run that knew no calendars
    settings  those that could change the decision, as they were; empty where an older run has not recorded them
    rejected  rows of the SKU that staging refused or set aside, from audit.rejected_rows
    notes     what could not be read, and why
    """

    day: date
    decision: Row
    need: Row
    line: Row | None
    product: Row | None
    rule: Row | None
    offers: Rows
    suppliers: Mapping[str, Row]
    order_lines: Rows
    stock: Rows
    exceptions: Rows
    history: Mapping[date, int | None]
    rejected: Rows = field(default_factory=list)
    open_orders: Rows = field(default_factory=list)
    free: Mapping[date, int] | None = None
    calendar: Rows | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    @property
    def sku(self) -> str:
        return str(self.decision["sku"])


def facts_of(clients: Clients, lineage: Lineage, sku: str) -> Facts:
    """Everything about a SKU; NoInput with the nearest names when the date has no such SKU."""
    with ThreadPoolExecutor(2) as pool:
        rejected = pool.submit(_rejected, clients, lineage, sku)
        found = facts_of_skus(clients, lineage, [sku])
        if sku not in found:
            raise unknown_sku(clients, lineage, sku)
        refused, notes = rejected.result()
    return replace(found[sku], rejected=refused, notes=notes)


def facts_of_skus(clients: Clients, lineage: Lineage, skus: Collection[str], *, history: bool = True) -> dict[str, Facts]:
    """What is stored about several SKUs, without rejected rows; a SKU that the date does not have is left out.

    history  whether the window before the date is read though no policy asks for it
    """

    def of(table: str) -> Grouped:
        return _grouped(rows_where(clients.hdfs, lineage.locations[table], "sku", skus) if table in lineage.locations else [])

    settings = lineage.made[DECISIONS].settings
    with ThreadPoolExecutor(8) as pool:
        decisions, needs, lines, exceptions, order_lines, stock, on_order, products, rules, offers = pool.map(of, _TABLES)
        ids = {offer["supplier_id"] for rows in offers.values() for offer in rows}
        known = rows_where(clients.hdfs, lineage.locations["staging.suppliers"], "supplier_id", ids)
        words = [row.get("policy") for rows in (*rules.values(), *offers.values(), known) for row in rows]
        is_asked = "order_up_to" in (*words, settings.get("planning.policy"))
        windows = lineage.history if history or is_asked else {}
        sold = dict(zip(windows, pool.map(lambda location: _units(clients, location, skus), windows.values()), strict=True))
        free = _free(clients, lineage, skus, pool) if is_asked and lineage.stock_history else None
    at = lineage.locations.get(CALENDAR)
    calendar = rows_where(clients.hdfs, at, "party_id", {*ids, "network"}) if at else [] if settings else None
    suppliers = {row["supplier_id"]: row for row in known}
    reach = [lineage.day - timedelta(days=n) for n in range(history_days(clients.settings, settings), 0, -1)]
    return {
        sku: Facts(
            lineage.day, decision[0], _only(needs[sku]), _first(lines[sku]), _first(products[sku]), _first(rules[sku]),
            offers[sku], suppliers,
            sorted(order_lines[sku], key=lambda r: (-r["quantity"], r["source_file"], r["source_line"], r["line_no"])),
            sorted(stock[sku], key=lambda r: (r["source_file"], r["source_line"])),
            exceptions[sku],
            {on: sold[on][sku] if on in sold else None for on in reach},
            open_orders=sorted(on_order[sku], key=lambda r: (r["order_date"], r["order_number"])),
            free=None if free is None else free[sku], calendar=calendar, settings=settings,
        )
        for sku, decision in decisions.items()
    }  # fmt: skip


def _grouped(rows: Rows) -> Grouped:
    made: Grouped = defaultdict(list)
    for row in rows:
        made[row["sku"]].append(row)
    return made


def _units(clients: Clients, location: str, skus: Collection[str]) -> Counter[str]:
    units: Counter[str] = Counter()
    for row in rows_where(clients.hdfs, location, "sku", skus, ("sku", "quantity")):
        units[row["sku"]] += row["quantity"]
    return units


def _free(clients: Clients, lineage: Lineage, skus: Collection[str], pool: ThreadPoolExecutor) -> dict[str, dict[date, int]]:
    """Units free of each SKU by day of the window, on days that have order lines at all."""
    columns = ("sku", "available_qty", "reserved_qty")
    is_open = pool.map(lambda location: has_rows(clients.hdfs, location), lineage.history.values())
    opened = {on for on, found in zip(lineage.history, is_open, strict=True) if found}
    days = [on for on in lineage.stock_history if on in opened]
    found = pool.map(lambda on: rows_where(clients.hdfs, lineage.stock_history[on], "sku", skus, columns), days)
    free: dict[str, dict[date, int]] = defaultdict(lambda: defaultdict(int))
    for on, rows in zip(days, found, strict=True):
        for row in rows:
            free[row["sku"]][on] += row["available_qty"] - row["reserved_qty"]
    return free


def _rejected(clients: Clients, lineage: Lineage, sku: str) -> tuple[Rows, tuple[str, ...]]:
    """The rows of the SKU that the staging runs refused; where Trino does not answer, a note instead."""
    makers = {table: lineage.made[table] for table in (ORDER_LINES, STOCK) if table in lineage.made}
    runs = {t: m.run_id for t, m in makers.items() if m.rows.get("rejected", 0) + m.rows.get("set_aside", 0)}
    if not runs:
        return [], ()
    of_run = " or ".join(f"table_name = {text_literal(table)} and run_id = {run}" for table, run in runs.items())
    columns = ("table_name", "action", "source_file", "source_line", "element", "reasons")
    try:
        rows = Trino(clients.settings.service("TRINO_URL"), READER, retry_seconds=1).rows(
            f"select {', '.join(columns)} from delta.audit.rejected_rows where business_date = date '{lineage.day}'"
            f" and sku = {text_literal(sku)} and ({of_run}) order by 1, 3, 4, 5"
        )
    except Failure as failure:
        return [], (f"rejected rows were not looked up: {failure.what}",)
    return [dict(zip(columns, row, strict=True)) for row in rows], ()


def unknown_sku(clients: Clients, lineage: Lineage, sku: str) -> NoInput:
    """The error for a SKU that the date does not have: what was said of it, and what may have been meant."""
    columns = ("sku", "product_name", "order_qty", "requirement_qty", "outcome")
    near = nearest_skus(sku, all_rows(clients.hdfs, lineage.locations[DECISIONS], columns))
    listed = rows_where(clients.hdfs, lineage.locations[EXCEPTIONS], "sku", [sku]) if EXCEPTIONS in lineage.locations else []
    what = f"there is no SKU {sku!r} on {lineage.day}" + "".join(f"; {row['message']}" for row in listed)
    if near:
        width, show = max(len(row["sku"]) for row in near), Terminal().text
        named = [(row["sku"], show(product_name(row["product_name"])), row["outcome"]) for row in near]
        what += ". The nearest:" + "".join(f"\n  {sku:<{width}}  {name}  ({outcome})" for sku, name, outcome in named)
    example = near[0]["sku"] if near else "SKU"
    return NoInput(what, where=f"run {lineage.made[DECISIONS].run_id}", next=f"./submit.sh explain {lineage.day} {example}")


def _only(rows: Rows) -> Row:
    """The row of a table that has one for every SKU that is decided."""
    return rows[0] if rows else {}


def _first(rows: Rows) -> Row | None:
    return rows[0] if rows else None
