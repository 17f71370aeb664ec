"""Cases as data: `sql/planning/<model>/cases.yml`, each stating only what differs from the model's usual SKU.

Keys of a case (all optional):
    demand                  units, or a list of order lines; `none`: no line    need: the same, nothing in stock, no safety stock
    available, reserved, snapshot_safety_stock     units, or a list with one entry a warehouse;  stock: none
    safety_stock, moq       of the replenishment rule (null is not set);  rule: none
    pack, status, product_name                     of the product;  product: none
    suppliers               a list: supplier, priority, from, to, pack_size, moq, unit_cost, currency, lead_time_days, active,
                            supplier_currency, supplier_lead_time_days, the options of product_suppliers and suppliers
                            (supplier_policy is the latter's), days: rows of calendar_days;
                            usual: one named A. `shared` is one for all cases.
    policy, level_share_percent, max_order_qty, is_held_on_spike     options of the replenishment rule
    history                 {days ago: units}, or a list from yesterday on;  stock_before: {days ago: units}
    released                a list of order lines: ago (days before the date, 1), supplier (A), sku (the case's), qty (48),
                            due (days after the date, 3), revision (1), status
    receipts                a list: id (R1), qty, ago (the first order's) and supplier of the order, final,
                            sent (days ago, 0), received (days ago)
    rejected_stock, rejected_lines, rejected_receipts     number of rejected rows that name the SKU
    rejected_run, rejected_action, rejected_reason        of these rows
    warehouses              {name: {today: rows, before: rows of yesterday or {days ago: rows}, active: false}}, of the case alone
    store                   {weekdays: [weeks ago on which it sent], today: lines, active: false}, of the case alone
    before                  {code: the columns of last night's exception that differ}
    alone                   the case has a world of its own: {settings, published_days, empty_day: no order line at all}
    expect                  the main column, or the columns named;  guards: the fault of other pipelines that it rules out
    spares                  the exception that the case would raise if it were not for what it states
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import yaml
from planning_world import DAY, ORDERS_RUN, RECEIPTS_RUN, STOCK_RUN, World

from common.settings import ROOT

RULE_OPTIONS = ("policy", "level_share_percent", "max_order_qty", "is_held_on_spike")
OFFER = (
    "priority", "pack_size", "moq", "unit_cost", "currency", "lead_time_days",
    "policy", "case_size", "layer_size", "pallet_size", "level_share_percent", "max_order_qty",
)  # fmt: skip
SUPPLIER_OPTIONS = ("order_weekdays", "lead_time_unit", "minimum_order_value", "minimum_order_units", "minimum_action")
MAIN_COLUMN = {"open_orders": "open_qty", "net_demand": "net_demand_qty", "order_decisions": "order_qty"}


@dataclass(frozen=True)
class Case:
    """One case: `prefix` marks all that belongs to it."""

    prefix: str
    name: str
    given: dict[str, Any]
    expect: Any
    guards: str | None
    alone: dict[str, Any] | None
    spares: str | None = None

    @property
    def sku(self) -> str:
        return self.prefix

    def unprefixed(self, value: Any) -> Any:
        """A value of the result as a case spells it: ids without prefix, dates and money as text."""
        if value is None or isinstance(value, (bool, int)):
            return value
        return str(value).replace(f"{self.prefix}-", "")


def cases(model: str) -> list[Case]:
    """The cases of a model, in the order of its file; those that are `alone` need a world of their own."""
    tree = yaml.safe_load((ROOT / "sql" / "planning" / model / "cases.yml").read_text(encoding="utf-8"))
    found = []
    for number, entry in enumerate(tree["cases"]):
        given = tree["usual"] | entry
        name, expect = given.pop("name"), given.pop("expect")
        if isinstance(expect, int) and model in MAIN_COLUMN:
            expect = {MAIN_COLUMN[model]: expect}
        marks = [given.pop(key, None) for key in ("guards", "alone", "spares")]
        found.append(Case(f"c{number:03}", name, given, expect, *marks))
    return found


def place(world: World, case: Case) -> None:
    """Adds all rows of a case to a world."""
    given = dict(case.given)
    if "need" in given and "demand" not in given:
        given |= {"demand": given["need"], "safety_stock": 0, "available": 0, "reserved": 0}
    _product(world, case, given)
    _suppliers(world, case, given)
    _stock(world, case, given)
    _lines(world, case, given)
    _rejected(world, case, given)
    _network(world, case, given)
    _orders(world, case, given)
    for code, differs in given.get("before", {}).items():
        world.add("last_exceptions", **{"code": code, "subject": f"SKU {case.sku}", **differs})


def _product(world: World, case: Case, given: dict[str, Any]) -> None:
    if given.get("product") != "none":
        world.add(
            "products", sku=case.sku, pack_size=given.get("pack", 1), status=given.get("status", "active"),
            name=given.get("product_name", f"Product {case.sku}"),
        )  # fmt: skip
    if given.get("rule") != "none":
        own = {k: given[k] for k in RULE_OPTIONS if k in given}
        world.add("replenishment_rules", sku=case.sku, moq=given.get("moq", 1), safety_stock=given.get("safety_stock", 0), **own)


def _suppliers(world: World, case: Case, given: dict[str, Any]) -> None:
    for entry in given.get("suppliers", [{"supplier": "A"}]):
        name = entry["supplier"]
        supplier = name if name == "shared" else f"{case.prefix}-{name}"
        if all(row["supplier_id"] != supplier for row in world.rows["suppliers"]):
            world.add(
                "suppliers", supplier_id=supplier, is_active=entry.get("active", True),
                currency=entry.get("supplier_currency", "USD"), lead_time_days=entry.get("supplier_lead_time_days", 4),
                policy=entry.get("supplier_policy"), **{k: entry[k] for k in SUPPLIER_OPTIONS if k in entry},
            )  # fmt: skip
        for day in entry.get("days", []):
            world.add("calendar_days", party_id=supplier, **day)
        own = {k: entry[k] for k in OFFER if k in entry}
        world.add(
            "product_suppliers", sku=case.sku, supplier_id=supplier, valid_from=entry.get("from", "2017-01-01"),
            valid_to=entry.get("to"), **own,
        )  # fmt: skip


def _stock(world: World, case: Case, given: dict[str, Any]) -> None:
    available = _list(given.get("available", 0))
    reserved = _list(given.get("reserved", 0))
    safety = _list(given.get("snapshot_safety_stock"))
    if given.get("stock") != "none":
        for number, units in enumerate(available):
            world.add(
                "warehouse_stock", sku=case.sku, warehouse_id=f"W{number + 1}", available_qty=units,
                reserved_qty=reserved[number] if number < len(reserved) else 0,
                safety_stock_qty=safety[number] if number < len(safety) else None,
            )  # fmt: skip
    for days, units in given.get("stock_before", {}).items():
        world.add("warehouse_stock", sku=case.sku, available_qty=units, business_date=DAY - timedelta(days=days))


def _lines(world: World, case: Case, given: dict[str, Any]) -> None:
    demand = given.get("demand", "none")
    for number, units in enumerate([] if demand == "none" else [u for u in _list(demand) if u]):
        world.add("pos_order_lines", order_id=f"{case.sku}-{number}", sku=case.sku, quantity=units, store_id="1")
    history = given.get("history", {})
    days = history.items() if isinstance(history, dict) else enumerate(history, 1)
    for ago, units in days:
        if units:
            world.add("pos_order_lines", sku=case.sku, quantity=units, store_id="1", business_date=DAY - timedelta(days=ago))


def _rejected(world: World, case: Case, given: dict[str, Any]) -> None:
    action, reason = given.get("rejected_action", "reject"), given.get("rejected_reason", "available_invalid")
    of_tables = (
        ("warehouse_stock", "rejected_stock", STOCK_RUN), ("pos_order_lines", "rejected_lines", ORDERS_RUN),
        ("receipts", "rejected_receipts", RECEIPTS_RUN),
    )  # fmt: skip
    for table, key, run in of_tables:
        for number in range(given.get(key, 0)):
            world.add(
                "rejected_rows", table_name=f"staging.{table}", run_id=given.get("rejected_run", run), action=action,
                sku=None if given.get("rejected_sku") == "none" else case.sku, source_line=number, reasons=[reason],
            )  # fmt: skip


def _network(world: World, case: Case, given: dict[str, Any]) -> None:
    """Warehouses and stores of the case alone: their rows belong to an SKU that nobody plans."""
    for name, rows in given.get("warehouses", {}).items():
        warehouse = f"{case.prefix}-{name}"
        world.add("warehouses", warehouse_id=warehouse, is_active=rows.get("active", True))
        before = rows.get("before", 0)
        for ago, count in {0: rows.get("today", 0), **(before if isinstance(before, dict) else {1: before})}.items():
            for number in range(count):
                sku = f"{case.sku}-{number}"
                world.add(
                    "warehouse_stock", sku=sku, warehouse_id=warehouse, available_qty=10, business_date=DAY - timedelta(days=ago)
                )
                if all(row["sku"] != sku for row in world.rows["products"]):
                    world.add("products", sku=sku, status="blocked")
    if store := given.get("store"):
        world.add("stores", store_id=f"{case.prefix}-S", is_active=store.get("active", True))
        world.add("products", sku=f"{case.sku}-S", status="blocked")
        for ago in [*(7 * week for week in store.get("weekdays", [])), *store.get("days", [])] + [0] * store.get("today", 0):
            world.add(
                "pos_order_lines", sku=f"{case.sku}-S", store_id=f"{case.prefix}-S", business_date=DAY - timedelta(days=ago)
            )
            if ago == 0:
                world.add("warehouse_stock", sku=f"{case.sku}-S", available_qty=9)


def _orders(world: World, case: Case, given: dict[str, Any]) -> None:
    """What was released and received; a SKU other than the case's belongs to the case, too."""

    usual = next((entry["ago"] for entry in given.get("released", []) if "ago" in entry), 1)

    def on(entry: dict[str, Any]) -> dict[str, Any]:
        order = DAY - timedelta(days=entry.get("ago", usual))
        number = f"{order:%Y%m%d}-{case.prefix}-{entry.get('supplier', 'A')}"
        return {"order_number": number, "sku": f"{case.sku}-{entry['sku']}" if "sku" in entry else case.sku}

    for number, entry in enumerate(given.get("released", []), 1):
        world.add(
            "released_orders", **on(entry), line_no=number, business_date=DAY - timedelta(days=entry.get("ago", 1)),
            supplier_id=f"{case.prefix}-{entry.get('supplier', 'A')}", revision=entry.get("revision", 1),
            status=entry.get("status", "new"), order_qty=entry.get("qty", 48),
            due_date=DAY + timedelta(days=entry.get("due", 3)),
        )  # fmt: skip
    for entry in given.get("receipts", []):
        sent = entry.get("sent", 0)
        world.add(
            "receipts", **on(entry), receipt_id=f"{case.prefix}-{entry.get('id', 'R1')}", quantity=entry["qty"],
            is_final=entry.get("final", False), received_on=DAY - timedelta(days=entry.get("received", sent)),
            business_date=DAY - timedelta(days=sent),
        )  # fmt: skip


def frame(world: World) -> World:
    """What every world has: the store and the warehouses that cases share."""
    world.add("stores", store_id="1")
    for number in (1, 2, 3):
        world.add("warehouses", warehouse_id=f"W{number}")
        world.add("warehouse_stock", sku="frame", warehouse_id=f"W{number}", available_qty=9)
        world.add("warehouse_stock", sku="frame", warehouse_id=f"W{number}", business_date=DAY - timedelta(days=1))
    return world.add("products", sku="frame", status="blocked")


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
