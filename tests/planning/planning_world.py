"""A small world of rows for the planning models: written as Python, read by the very SQL of the night.

Every table is an inline relation with the types of its contract, so that a model runs on the real Trino without a file.
All cases of a model share one world; their SKUs, stores and suppliers carry the case's prefix.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from common.clients.trino import Trino, text_literal
from common.contracts import contract
from common.planning import MODELS, Facts, render, tables_read
from common.settings import load_settings

DAY = date(2017, 12, 23)  # a Saturday
ORDERS_RUN, STOCK_RUN, RECEIPTS_RUN = 41, 42, 43
BEFORE = DAY - timedelta(days=1)
FACTS = Facts(
    order_lines_run=ORDERS_RUN, stock_run=STOCK_RUN, receipts_run=RECEIPTS_RUN, published_days=28,
    previous_stock_dates=(BEFORE, BEFORE - timedelta(days=2)),
    open_orders_from=DAY - timedelta(days=90), last_exceptions_date=BEFORE,
)  # fmt: skip

# what a row has where a test does not say otherwise
USUAL: dict[str, dict[str, Any]] = {
    "pos_order_lines": {
        "order_id": "O1", "line_no": 1, "store_id": "1", "ordered_at": "2017-12-23 10:00:00.000000", "quantity": 1,
        "unit_price": "9.99", "source_file": "store_1.jsonl", "source_line": 1,
    },
    "warehouse_stock": {
        "warehouse_id": "W1", "available_qty": 0, "reserved_qty": 0, "safety_stock_qty": None, "source_file": "W1.csv",
        "source_line": 1,
    },
    "products": {
        "name": "Whole milk 1 gal", "department": "GROCERY", "category": "MILK", "base_unit": "each", "pack_size": 1,
        "status": "active",
    },
    "suppliers": {
        "name": "Hartmann Dairy", "is_active": True, "lead_time_days": 4, "currency": "USD", "email": None,
        "policy": None, "order_weekdays": None, "lead_time_unit": None, "level_share_percent": None, "is_held_on_spike": None,
        "minimum_order_value": None, "minimum_order_units": None, "minimum_action": None,
    },
    "replenishment_rules": {
        "moq": 1, "safety_stock": 0, "policy": None, "level_share_percent": None, "max_order_qty": None, "is_held_on_spike": None,
    },
    "product_suppliers": {
        "priority": 1, "valid_from": "2017-01-01", "valid_to": None, "pack_size": None, "moq": None, "unit_cost": "2.31",
        "currency": None, "lead_time_days": None, "policy": None, "case_size": None, "layer_size": None, "pallet_size": None,
        "level_share_percent": None, "max_order_qty": None,
    },
    "calendar_days": {
        "party_kind": "supplier", "party_id": "A", "day": "2017-12-25", "is_order_day": None, "is_working_day": False,
        "reason": None,
    },
    "stores": {"name": "Store", "is_active": True},
    "warehouses": {"name": "Warehouse", "is_active": True},
    "released_orders": {
        "revision": 1, "status": "new", "run_id": 40, "supplier_id": "S1", "supplier_name": "Hartmann Dairy", "currency": "USD",
        "line_no": 1, "product_name": "Whole milk 1 gal", "order_qty": 48, "packs": 4, "pack_size": 12, "unit_cost": "2.31",
        "line_cost": "110.88", "due_date": "2017-12-26", "order_sha256": "0" * 64, "business_date": DAY - timedelta(days=1),
    },
    "receipts": {
        "receipt_id": "R1", "received_on": "2017-12-23", "is_final": False, "source_file": "W1.csv", "source_line": 1,
    },
    "rejected_rows": {
        "run_id": STOCK_RUN, "table_name": "staging.warehouse_stock", "action": "reject", "source_file": "W1.csv",
        "source_line": 1,
        "element": None, "sku": None, "raw": "?", "reasons": ["available_invalid"],
    },
    "last_exceptions": {
        "business_date": BEFORE, "rank": 1, "severity": "warning", "sku": None, "supplier_id": None, "store_id": None,
        "warehouse_id": None, "state": "new", "first_seen": BEFORE, "nights_open": 1, "observed_qty": None, "expected_qty": None,
        "at_risk_qty": None, "days_at_risk": None, "cost_at_risk": None, "currency": None, "message": "?", "action": "?",
    },
}  # fmt: skip


class World:
    """Rows by table; each row states what differs from USUAL. The business date is DAY unless a row gives another."""

    def __init__(self) -> None:
        self.rows: dict[str, list[dict[str, Any]]] = {name: [] for name in USUAL}

    def add(self, table: str, **values: Any) -> World:
        self.rows[table].append({"business_date": DAY} | USUAL[table] | values)
        return self

    def filled(self) -> set[str]:
        """The columns that have a value in some row, as `table.column`."""
        return {f"{table}.{name}" for table, rows in self.rows.items() for row in rows for name in row if row[name] is not None}

    def references(self) -> dict[str, str]:
        """How a model reads the tables."""
        other = {"last_exceptions": "planning.exceptions"} | {t: f"audit.{t}" for t in ("rejected_rows", "released_orders")}
        return {name: self.relation(other.get(name, f"staging.{name}"), rows) for name, rows in self.rows.items()}

    def relation(self, table: str, rows: list[dict[str, Any]]) -> str:
        """How a model reads rows of a table, its own or those that a model has made of them: an inline relation."""
        return relation(table, rows)


def inline(columns: Mapping[str, str], rows: list[tuple[Any, ...]]) -> str:
    """Rows of texts as a relation with columns of these types.

    A statement of Trino holds a million characters: they are one JSON literal (as many VALUES would be as many expressions).
    """
    raw = ", ".join(f"{name} {kind}" for name, kind in columns.items())
    return f"unnest(cast(json_parse({text_literal(json.dumps(rows))}) as array(row({raw})))) as t ({', '.join(columns)})"


def relation(
    table: str, rows: list[dict[str, Any]], source: Callable[[Mapping[str, str], list[tuple[Any, ...]]], str] = inline
) -> str:
    """Rows as a relation with the contract's columns and types, and `business_date`.

    source  gives the columns that are not the same in all rows, as texts
    """
    types = {c.name: c.type for c in contract(table).columns} | {"business_date": "date"}
    values = {name: [_text(row.get(name)) for row in rows] for name in types}
    varying = [name for name in types if any(value != values[name][0] for value in values[name])] or ["business_date"]
    columns = ", ".join(
        f"cast({name if name in varying else _constant(values[name])} as {kind}) as {name}" for name, kind in types.items()
    )
    raw = {name: "array(varchar)" if types[name].startswith("array") else "varchar" for name in varying}
    return f"(select {columns} from {source(raw, list(zip(*(values[name] for name in varying), strict=True)))})"


def _constant(values: list[Any]) -> str:
    if not values or values[0] is None:
        return "null"
    if isinstance(values[0], list):
        return f"array[{', '.join(map(text_literal, values[0]))}]"
    return text_literal(values[0])


def plan(
    trino: Trino, world: World, last: str = "exceptions", facts: Facts = FACTS, settings: Mapping[str, Any] | None = None,
    also: Collection[str] = (),
) -> dict[str, list[dict[str, Any]]]:
    """The rows of each model up to `last` over a world, by column; each model reads the results of those before it.

    settings  overrides by dotted key
    facts     without filled columns: those of the world, as in a night
    also      models that `last` does not read
    """
    values = dict(load_settings()) | dict(settings or {})
    if not facts.filled:
        facts = replace(facts, filled=frozenset(world.filled()))
    references, results = world.references(), {}
    for model in MODELS[: MODELS.index(last) + 1]:
        if model not in (last, *also) and f"planning.{model}" not in tables_read(last) and last != "purchase_order_lines":
            continue
        rows = trino.rows(render(model, DAY, values, references, facts))
        names = [c.name for c in contract(f"planning.{model}").columns]
        results[model] = [dict(zip(names, row, strict=True)) for row in rows]
        references[model] = world.relation(f"planning.{model}", [row | {"business_date": DAY} for row in results[model]])
    return results


def _text(value: Any) -> Any:
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list):
        return value
    if isinstance(value, (int, Decimal, date)):
        return str(value)
    raise TypeError(f"no test row holds a {type(value).__name__}")
