"""Rows of planning.purchase_order_lines for the tests of export and release; a test states only what differs."""

from datetime import date
from decimal import Decimal

from common.publish.order_files import COLUMNS, orders_of

DAY = date(2017, 12, 23)


def line(supplier_id="S0042", line_no=1, sku="1029743", **differs):
    """One row of COLUMNS: five packs of 12 at 2.31, unless told otherwise."""
    packs, pack_size = differs.pop("packs", 5), differs.pop("pack_size", 12)
    unit_cost = Decimal(differs.pop("unit_cost", "2.31"))
    # written out: Python's decimal arithmetic would round to 28 digits
    cents = int(unit_cost.scaleb(2)) * packs * pack_size
    usual = {
        "order_number": f"20171223-{supplier_id}",
        "supplier_id": supplier_id,
        "supplier_name": "Hartmann Dairy",
        "currency": "USD",
        "line_no": line_no,
        "sku": sku,
        "product_name": "Whole milk 1 gal",
        "order_qty": packs * pack_size,
        "packs": packs,
        "pack_size": pack_size,
        "unit_cost": unit_cost,
        "line_cost": Decimal(f"{cents // 100}.{cents % 100:02}"),
        "due_date": date(2017, 12, 27),
    }
    row = usual | differs
    assert set(row) == set(COLUMNS)
    return tuple(row[name] for name in COLUMNS)


def orders(*rows):
    """The orders of rows, checked."""
    return orders_of(DAY, rows)
