"""The night once more, from raw files alone, in plain Python: an oracle that shares no line with the project.

It imports nothing of the project on purpose. It is written from the rules (docs/planning.md, docs/input.md), slow and
simple, for a day as retailers send it: what it does not understand it says (AssertionError) instead of guessing.
"""

from __future__ import annotations

import csv
import gzip
import json
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

ZONE = ZoneInfo("America/New_York")


@dataclass
class Counts:
    """Order lines or stock rows by what became of them."""

    read: int = 0
    accepted: int = 0
    rejected: int = 0
    set_aside: int = 0
    duplicates: int = 0


@dataclass
class Night:
    """Everything that the oracle found out."""

    orders: Counts = field(default_factory=Counts)
    stock: Counts = field(default_factory=Counts)
    rejected: list[tuple[str, int, str]] = field(default_factory=list)  # order lines: file, line of it, SKU
    net_demand: dict[str, int] = field(default_factory=dict)
    held: set[str] = field(default_factory=set)
    not_ordered: dict[str, str] = field(default_factory=dict)
    documents: dict[str, dict] = field(default_factory=dict)


def night(raw: Path, day: date) -> Night:
    """The plan of a date from `raw/orders/D`, `raw/stock/D`, `raw/master/D`."""
    found = Night()
    master = {file.stem: _rows(file) for file in (raw / "master" / str(day)).glob("*.csv")}
    products = {row["sku"]: row for row in master["products"]}
    demand = _demand(raw / "orders" / str(day), day, products, {row["store_id"] for row in master["stores"]}, found)
    position = _position(raw / "stock" / str(day), day, products, {r["warehouse_id"] for r in master["warehouses"]}, found)
    rules = {row["sku"]: row for row in master["replenishment_rules"]}
    for sku in sorted(set(products) | set(demand) | set(position)):
        available, reserved, safety = position.get(sku, (0, 0, None))
        stated = rules.get(sku, {}).get("safety_stock")
        keep = int(stated) if stated else safety or 0
        found.net_demand[sku] = max(0, demand.get(sku, 0) + keep - (available - reserved))
    _order(found, day, master, products, rules)
    return found


def _rows(file: Path) -> list[dict[str, str]]:
    with file.open(encoding="utf-8", newline="") as text:
        return list(csv.DictReader(text))


def _demand(folder: Path, day: date, products: dict, stores: set[str], found: Night) -> dict[str, int]:
    """Units by SKU; every line is counted, and the place of each rejected one kept."""
    counts = found.orders
    seen: dict[tuple[str, int], list[tuple]] = defaultdict(list)
    places: dict[tuple[str, int], list[tuple[str, int, str]]] = defaultdict(list)
    for file in sorted(folder.iterdir()):
        if file.name.startswith("_"):
            continue
        for number, line in _order_lines(file):
            counts.read += 1
            place = (file.name, number, line["sku"])
            judged = _judge(line, day, products, stores)
            if judged == "set_aside":
                counts.set_aside += 1
            elif judged is None:
                counts.rejected += 1
                found.rejected.append(place)
            else:
                seen[judged[0], judged[1]].append(judged)
                places[judged[0], judged[1]].append(place)
    demand: dict[str, int] = defaultdict(int)
    for key, copies in seen.items():
        if len(set(copies)) > 1:
            counts.rejected += len(copies)
            found.rejected += places[key]
            continue
        counts.accepted += 1
        counts.duplicates += len(copies) - 1
        demand[copies[0][4]] += copies[0][5]
    return demand


def _order_lines(file: Path) -> list[tuple[int, dict]]:
    """Every order line with the number of its line in the file."""
    data = gzip.decompress(file.read_bytes()) if file.suffix == ".gz" else file.read_bytes()
    text = data.decode("utf-8")
    if ".csv" in file.name:
        return list(enumerate(csv.DictReader(text.splitlines()), 2))
    lines = []
    for number, record in enumerate(text.splitlines(), 1):
        order = json.loads(record, parse_float=Decimal)
        for line in order["lines"]:
            lines.append((number, {k: order[k] for k in ("order_id", "store_id", "ordered_at")} | line))
    return lines


def _judge(line: dict, day: date, products: dict, stores: set[str]) -> tuple | str | None:
    """The line as (order, number, store, instant, SKU, units, price), `set_aside` for a return, None for a fault."""
    instant = datetime.fromisoformat(line["ordered_at"])
    local = instant.astimezone(ZONE) if instant.tzinfo else instant
    price = Decimal(str(line["unit_price"]))
    quantity, number = str(line["quantity"]), str(line["line_no"])
    assert number.isdigit() and price >= 0 and price == price.quantize(Decimal("0.01")), line
    is_known = line["sku"] in products and line["store_id"] in stores and local.date() == day
    if not is_known or not quantity.lstrip("-").isdigit() or int(quantity) == 0 or abs(int(quantity)) >= 2**31:
        return None
    if int(quantity) < 0:
        return "set_aside"
    return (line["order_id"], int(number), line["store_id"], local.isoformat(), line["sku"], int(quantity), price)


def _position(folder: Path, day: date, products: dict, warehouses: set[str], found: Night) -> dict[str, tuple]:
    """(available, reserved, safety stock or None) by SKU, over all warehouses; SKUs of rejected rows are held."""
    seen: dict[tuple[str, str], list[tuple]] = defaultdict(list)
    counts = found.stock
    for file in sorted(folder.glob("*.csv")):
        for row in _rows(file):
            counts.read += 1
            numbers = (row["available"].lstrip("-"), row["reserved"], row["safety_stock"] or "0")
            is_right = row["snapshot_date"] == str(day) and row["warehouse_id"] in warehouses and row["sku"] in products
            if is_right and all(number.isdigit() for number in numbers):
                safety = int(row["safety_stock"]) if row["safety_stock"] else None
                seen[row["warehouse_id"], row["sku"]].append((int(row["available"]), int(row["reserved"]), safety))
            else:
                counts.rejected += 1
                found.held.add(row["sku"])
    position: dict[str, tuple] = {}
    for (_, sku), copies in seen.items():
        if len(set(copies)) > 1:
            counts.rejected += len(copies)
            found.held.add(sku)
            continue
        counts.accepted += 1
        counts.duplicates += len(copies) - 1
        available, reserved, safety = copies[0]
        old = position.get(sku, (0, 0, None))
        total = old[2] if safety is None else (old[2] or 0) + safety
        position[sku] = (old[0] + available, old[1] + reserved, total)
    return position


def _order(found: Night, day: date, master: dict, products: dict, rules: dict) -> None:
    suppliers = {row["supplier_id"]: row for row in master["suppliers"]}
    offers: dict[str, list[dict]] = defaultdict(list)
    for row in master["product_suppliers"]:
        until = date.fromisoformat(row["valid_to"]) if row["valid_to"] else date.max
        if date.fromisoformat(row["valid_from"]) <= day <= until and suppliers[row["supplier_id"]]["is_active"] == "t":
            offers[row["sku"]].append(row)
    lines: dict[str, list[dict]] = defaultdict(list)
    for sku, need in found.net_demand.items():
        if need == 0:
            continue
        if products[sku]["status"] != "active":
            found.not_ordered[sku] = "not_planned"
        elif sku in found.held:
            found.not_ordered[sku] = "held"
        elif sku not in offers:
            found.not_ordered[sku] = "no_supplier"
        else:
            offer = min(offers[sku], key=lambda row: int(row["priority"]))
            pack = int(offer["pack_size"] or products[sku]["pack_size"] or 0)
            moq = int(offer["moq"] or (rules[sku]["moq"] if sku in rules else "1") or 0)
            if pack < 1 or moq < 1:
                found.not_ordered[sku] = "invalid_terms"
            else:
                lines[offer["supplier_id"]].append(_line(sku, need, pack, moq, offer, suppliers, products, day))
    for supplier, of_supplier in lines.items():
        found.documents[supplier] = _document(suppliers[supplier], of_supplier, day)


def _line(sku: str, need: int, pack: int, moq: int, offer: dict, suppliers: dict, products: dict, day: date) -> dict:
    supplier = suppliers[offer["supplier_id"]]
    assert {offer["currency"], supplier["currency"]} <= {"", "USD"}, "the oracle knows one currency"
    packs = 1
    while packs * pack < max(need, moq):  # counted, not computed: the formula is what is being tested
        packs += 1
    cost = Decimal(offer["unit_cost"])
    lead = int(offer["lead_time_days"] or supplier["lead_time_days"])
    return {
        "sku": sku, "name": products[sku]["name"], "order_qty": packs * pack, "packs": packs, "pack_size": pack,
        "unit_cost": f"{cost:.2f}", "line_cost": f"{packs * pack * cost:.2f}", "due_date": str(day + timedelta(days=lead)),
    }  # fmt: skip


def _document(supplier: dict, lines: list[dict], day: date) -> dict:
    lines = [{"line_no": number} | line for number, line in enumerate(sorted(lines, key=lambda line: line["sku"]), 1)]
    return {
        "order_number": f"{day:%Y%m%d}-{supplier['supplier_id']}",
        "business_date": str(day),
        "supplier": {"supplier_id": supplier["supplier_id"], "name": supplier["name"]},
        "currency": "USD",
        "lines": lines,
        "totals": {
            "lines": len(lines),
            "order_qty": sum(line["order_qty"] for line in lines),
            "cost": f"{sum(Decimal(line['line_cost']) for line in lines):.2f}",
        },
    }
