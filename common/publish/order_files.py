"""Supplier orders as files: rows of planning.purchase_order_lines become one JSON document a supplier.

Pure functions of the rows: the same rows in any order give the same bytes. Money is decimal and quantities are Python
integers throughout; whatever would round is an error. The format is documented in docs/supplier-orders.md.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Context, Decimal, Inexact, InvalidOperation
from functools import cache
from typing import Any
from urllib.parse import quote

import jsonschema

from common.errors import BadData, Failure
from common.settings import ROOT

SCHEMA_FILE = ROOT / "conf" / "supplier_order.schema.json"
SOURCE = "planning.purchase_order_lines"
# the columns that an order file is made from, in the order in which rows carry them
COLUMNS = (
    "order_number", "supplier_id", "supplier_name", "currency", "line_no", "sku", "product_name",
    "order_qty", "packs", "pack_size", "unit_cost", "line_cost", "due_date",
)  # fmt: skip

# Python's default context rounds to 28 digits without a word; a bigint times decimal(12,2) has up to 31
_EXACT = Context(prec=76, traps=[Inexact, InvalidOperation])
_CENT = Decimal("0.01")
# names that mean something else beside the orders, or that Windows keeps for devices
_RESERVED = {"exceptions", "con", "prn", "aux", "nul"} | {f"{port}{n}" for port in ("com", "lpt") for n in range(10)}
_LONGEST_NAME = 255


@dataclass(frozen=True)
class Line:
    """One line of an order: whole units, money with two decimals."""

    line_no: int
    sku: str
    product_name: str
    order_qty: int
    packs: int
    pack_size: int
    unit_cost: Decimal
    line_cost: Decimal
    due_date: date


@dataclass(frozen=True)
class Order:
    """What is ordered from one supplier for one business date."""

    business_date: date
    order_number: str
    supplier_id: str
    supplier_name: str
    currency: str
    lines: tuple[Line, ...]

    @property
    def order_qty(self) -> int:
        """Sum of the units of all lines."""
        return sum(line.order_qty for line in self.lines)

    @property
    def cost(self) -> Decimal:
        """Sum of the costs of all lines, exact."""
        return add_exactly(line.line_cost for line in self.lines)


def add_exactly(amounts: Iterable[Decimal]) -> Decimal:
    """The sum, with two decimals, never rounded."""
    total = Decimal("0.00")
    for amount in amounts:
        total = _EXACT.add(total, amount)
    return total


def money(amount: Decimal) -> str:
    """An amount as text with exactly two decimals; one that has more is a Failure."""
    try:
        return format(_EXACT.quantize(amount, _CENT), "f")
    except Inexact:
        raise Failure(f"{amount} has more than two decimals") from None


def order_number(day: date, supplier_id: str) -> str:
    """Derived, so that a replay gives the same: `<YYYYMMDD>-<supplier_id>`."""
    return f"{day:%Y%m%d}-{supplier_id}"


def group_orders(day: date, rows: Iterable[Sequence[Any]]) -> list[Order]:
    """Orders from rows of COLUMNS, sorted by supplier and line number, unchecked."""
    grouped: dict[str, list[Sequence[Any]]] = {}
    for row in rows:
        grouped.setdefault(row[1], []).append(row)
    orders = []
    for supplier_id in sorted(grouped):
        of_supplier = sorted(grouped[supplier_id], key=lambda row: (row[4], row[5]))
        number, _, name, currency = of_supplier[0][:4]
        lines = tuple(Line(*row[4:13]) for row in of_supplier)
        orders.append(Order(day, number, supplier_id, name, currency, lines))
    return orders


def orders_of(day: date, rows: Iterable[Sequence[Any]]) -> list[Order]:
    """As `group_orders`, and BadData where the plan contradicts itself: nobody can deliver what does not add up."""
    rows = list(rows)
    headers: dict[str, tuple[Any, ...]] = {}
    for row in rows:
        if (empty := next((n for n, v in zip(COLUMNS, row, strict=True) if v is None), None)) is not None:
            raise _contradiction(f"{empty} is null", row)
        first = headers.setdefault(row[1], tuple(row[:4]))
        if tuple(row[:4]) != first:
            column, *values = next((n, a, b) for n, a, b in zip(COLUMNS, first, row, strict=False) if a != b)
            raise _contradiction(f"one order has one {column}, not both {' and '.join(sorted(values))}", row)
    orders = group_orders(day, rows)
    for order in orders:
        _check(order)
    return orders


def _check(order: Order) -> None:
    if order.order_number != order_number(order.business_date, order.supplier_id):
        raise BadData(f"{order.order_number} is not the number of that order", where=SOURCE)
    previous = ""
    for position, line in enumerate(order.lines, 1):
        wrong = None
        if line.line_no != position:
            wrong = f"lines are not numbered from 1 without gaps: {line.line_no} at position {position}"
        elif line.sku <= previous:
            wrong = f"SKU {line.sku} is ordered twice" if line.sku == previous else f"SKU {line.sku} comes after {previous}"
        elif line.order_qty != line.packs * line.pack_size:
            wrong = f"{line.packs} packs of {line.pack_size} are not {line.order_qty}"
        elif line.line_cost != _EXACT.multiply(line.unit_cost, Decimal(line.order_qty)):
            wrong = f"{line.order_qty} at {line.unit_cost} do not cost {line.line_cost}"
        if wrong:
            raise BadData(wrong, where=f"{SOURCE}: order {order.order_number} line {line.line_no}")
        previous = line.sku


def _contradiction(what: str, row: Sequence[Any]) -> BadData:
    return BadData(what, where=f"{SOURCE}: order {row[0]} line {row[4]} SKU {row[5]}")


def document(order: Order, revision: int) -> dict[str, Any]:
    """The order as the published schema describes it."""
    return {
        "schema_version": 1,
        "order_number": order.order_number,
        "revision": revision,
        "business_date": order.business_date.isoformat(),
        "supplier": {"supplier_id": order.supplier_id, "name": order.supplier_name},
        "currency": order.currency,
        "lines": [
            {
                "line_no": line.line_no,
                "sku": line.sku,
                "name": line.product_name,
                "order_qty": line.order_qty,
                "packs": line.packs,
                "pack_size": line.pack_size,
                "unit_cost": money(line.unit_cost),
                "line_cost": money(line.line_cost),
                "due_date": line.due_date.isoformat(),
            }
            for line in order.lines
        ],
        "totals": {"lines": len(order.lines), "order_qty": order.order_qty, "cost": money(order.cost)},
    }


def render(tree: dict[str, Any]) -> bytes:
    """JSON for people and programs: a key a line, an element of a list a line, UTF-8, a newline at the end."""
    parts = []
    for key, value in tree.items():
        if isinstance(value, list) and value:
            text = "[\n" + ",\n".join(f"    {_compact(element)}" for element in value) + "\n  ]"
        else:
            text = _compact(value)
        parts.append(f"  {_compact(key)}: {text}")
    return ("{\n" + ",\n".join(parts) + "\n}\n").encode()


def _compact(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False)


def order_bytes(order: Order, revision: int) -> bytes:
    """The content of the order's file."""
    return render(document(order, revision))


def sha256(data: bytes) -> str:
    """Hexadecimal SHA-256."""
    return hashlib.sha256(data).hexdigest()


@cache
def _validator() -> jsonschema.Draft202012Validator:
    schema = json.loads(SCHEMA_FILE.read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(
        _without_references(schema, schema["$defs"]), format_checker=jsonschema.Draft202012Validator.FORMAT_CHECKER
    )


def _without_references(part: Any, definitions: dict[str, Any]) -> Any:
    # every reference followed once, here, and not again for each value: halves the time of a night's validation
    if isinstance(part, list):
        return [_without_references(element, definitions) for element in part]
    if not isinstance(part, dict):
        return part
    own = {key: _without_references(value, definitions) for key, value in part.items() if key not in ("$ref", "$defs")}
    if "$ref" in part:
        own |= _without_references(definitions[part["$ref"].removeprefix("#/$defs/")], definitions)
    return own


def validate(data: bytes, name: str) -> None:
    """Checks the very bytes of an order file against the published schema; BadData names the file and the place in it."""
    tree = json.loads(data)
    error = jsonschema.exceptions.best_match(_validator().iter_errors(tree))
    if error is not None:
        raise BadData(
            f"{name} breaks the published schema: {error.message[:300]}",
            where=f"{error.json_path} against {SCHEMA_FILE.relative_to(ROOT)}",
        )


def file_name(supplier_id: str) -> str:
    """The order file of a supplier: never a path, never hidden, never a name that means something else.

    What is not a letter, a digit, `.`, `_` or `-` of ASCII is percent-encoded as UTF-8, and so is the first character
    where the name would be hidden or reserved: `urllib.parse.unquote` gives the id back. BadData where it can't be one.
    """
    stem = quote(supplier_id, safe="").replace("~", "%7E")
    if stem[:1] in (".", "_") or stem.split(".")[0].lower() in _RESERVED:
        stem = f"%{ord(stem[0]):02X}{stem[1:]}"
    name = f"{stem}.json"
    if not supplier_id or len(name) > _LONGEST_NAME:
        raise BadData(
            f"supplier id {supplier_id!r} can't be a file name", where=SOURCE, next="correct it in procurement.suppliers"
        )
    return name


def file_names(supplier_ids: Iterable[str]) -> dict[str, str]:
    """File name by supplier id; BadData where two differ only in case, since many file systems would make them one."""
    names = {supplier_id: file_name(supplier_id) for supplier_id in supplier_ids}
    by_folded: dict[str, str] = {}
    for supplier_id, name in names.items():
        if (other := by_folded.setdefault(name.lower(), supplier_id)) != supplier_id:
            raise BadData(
                f"suppliers {other!r} and {supplier_id!r} would share one file where upper and lower case are the same",
                where=f"{SOURCE}: {name}",
                next="rename one of them in procurement.suppliers",
            )
    return names
