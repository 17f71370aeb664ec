"""Contracts: declared once, every column described, a mistake is an error with its place."""

import pytest

from common.contracts import all_contracts, contract, parse
from common.errors import Misconfigured

GOOD = """
description: Things
grain: [sku]
owner: spark
columns:
  - {name: sku, type: varchar, description: Stock keeping unit}
  - {name: seen_at, type: timestamp(6), unit: UTC, description: When, nullable: true}
rules:
  - {code: sku_unknown, action: reject, meaning: Nobody knows it}
"""


def test_types_are_spelled_for_trino_and_for_the_metastore():
    contract = parse(GOOD, "staging", "things", "here")
    assert [c.hive_type for c in contract.columns] == ["string", "timestamp"]
    assert contract.columns[1].comment == "When [UTC]"


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("grain: [sku]", "grain: [store]"),
        ("type: varchar", "type: float"),
        ("action: reject", "action: ignore"),
        ("owner: spark", "ownr: spark"),
        ("description: Stock keeping unit", "description: ''"),
        ("unit: UTC", "units: UTC"),
        ("name: seen_at", "name: sku"),
        ("description: Things\n", ""),
        ("columns:", "raw: {path: p, formats: [csv], added: [sku]}\ncolumns:"),
    ],
)
def test_a_mistake_is_an_error(old, new):
    assert old in GOOD
    with pytest.raises(Misconfigured):
        parse(GOOD.replace(old, new), "staging", "things", "here")


# what outside programs rely on: no name of it may go
PROMISED = {
    "staging.pos_order_lines": "order_id line_no store_id ordered_at sku quantity unit_price",
    "staging.warehouse_stock": "warehouse_id sku available_qty reserved_qty safety_stock_qty",
    "staging.products": "sku pack_size status",
    "staging.suppliers": "supplier_id is_active lead_time_days",
    "staging.replenishment_rules": "sku moq safety_stock",
    "staging.product_suppliers": "sku supplier_id priority valid_from valid_to pack_size moq unit_cost",
    "staging.stores": "store_id",
    "staging.warehouses": "warehouse_id",
    "planning.net_demand": "sku net_demand_qty",
    "planning.purchase_order_lines": "order_number line_no supplier_id sku order_qty packs pack_size",
    "planning.exceptions": "code severity sku message",
    "audit.rejected_rows": "run_id table_name source_file source_line raw reasons",
    "audit.released_orders": "order_number revision sku order_qty",
}
SENT = {
    "staging.pos_order_lines": "order_id store_id ordered_at lines line_no sku quantity unit_price",
    "staging.warehouse_stock": "snapshot_date warehouse_id sku available reserved safety_stock",
}


@pytest.mark.parametrize("table", PROMISED)
def test_the_names_that_outside_programs_rely_on_are_there(table):
    of = contract(table)
    assert set(PROMISED[table].split()) <= {column.name for column in of.columns}
    if table in SENT:
        assert set(SENT[table].split()) <= set(of.raw.columns)


def test_every_contract_of_the_project_is_sound():
    assert len(all_contracts()) >= 12
