"""Master tables: exact types from PostgreSQL's CSV, or a stop."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from common.errors import BadData
from common.staging.master import file_of, tables, typed

HEADER = "sku,supplier_id,priority,valid_from,valid_to,pack_size,moq,unit_cost,currency,lead_time_days\n"
ROW = "S1,U1,1,2017-01-01,,12,9007199254740993,0.10,,3\n"


def test_every_master_table_is_staged():
    names = ["calendar_days", "product_suppliers", "products", "replenishment_rules", "stores", "suppliers", "warehouses"]
    assert tables() == [f"staging.{name}" for name in names]


def test_values_are_exact():
    rows, extra = typed("staging.product_suppliers", "p.csv", (HEADER + ROW).encode())
    (row,) = rows.to_pylist()
    assert row["unit_cost"] == Decimal("0.10")
    assert row["moq"] == 9007199254740993
    assert (row["valid_from"], row["valid_to"], row["currency"]) == (date(2017, 1, 1), None, None)
    assert extra == []


def test_quoted_empty_is_a_text_and_unquoted_empty_is_null():
    text = 'sku,name,department,category,base_unit,pack_size,status\nS1,"","",,each,,active\nS2,"a, ""b""\nc",x,y,each,1,active\n'
    rows, _ = typed("staging.products", "products.csv", text.encode())
    first, second = rows.to_pylist()
    assert (first["name"], first["department"], first["category"], first["pack_size"]) == ("", "", None, None)
    assert second["name"] == 'a, "b"\nc'


def test_columns_by_name_and_unknown_ones_reported():
    rows, extra = typed("staging.stores", "stores.csv", b"region,is_active,name,store_id\nnorth,t,A,S1\nsouth,f,B,S2\n")
    assert rows.to_pylist() == [
        {"store_id": "S1", "name": "A", "is_active": True},
        {"store_id": "S2", "name": "B", "is_active": False},
    ]
    assert extra == ["region"]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("0.10", "0.105"), ("0.10", "1e400"), ("0.10", "NaN"), ("0.10", "12345678901.00"), ("0.10", ""), (",1,2017", ",1.0,2017"),
        (",1,2017", ",3000000000,2017"), ("2017-01-01", "2017-02-30"), ("2017-01-01", "01/02/2017"), ("S1", ""),
        ("9007199254740993", "9223372036854775808"), (",3\n", ",3,9\n"), (",3\n", "\n"), ("S1", "\xff"),
    ],
)  # fmt: skip
def test_a_value_that_does_not_fit_stops(old, new):
    with pytest.raises(BadData, match=r"p\.csv"):
        typed("staging.product_suppliers", "p.csv", (HEADER + ROW.replace(old, new, 1)).encode("latin-1"))


def test_a_key_that_names_two_rows_stops():
    later = ROW.replace("2017-01-01", "2018-01-01")
    rows, _ = typed("staging.product_suppliers", "p.csv", (HEADER + ROW + later).encode())
    assert len(rows) == 2
    with pytest.raises(BadData, match=r"1 have several: sku S1, supplier_id U1, valid_from 2017-01-01"):
        typed("staging.product_suppliers", "p.csv", (HEADER + ROW + later + ROW.replace(",12,", ",6,")).encode())


def test_an_older_snapshot_is_taken_as_it_is():
    """Columns and a table that came later: NULL, and no rows; a column that was always there must be."""
    rows, extra = typed("staging.replenishment_rules", "r.csv", b"sku,moq,safety_stock\nS1,5,\n")
    assert rows.to_pylist() == [{"sku": "S1", "moq": 5} | dict.fromkeys(rows.column_names[2:])]
    assert extra == [] and "max_order_qty" in rows.column_names
    assert file_of([], "staging.calendar_days", "/raw/master/D") is None
    with pytest.raises(BadData, match="has no products"):
        file_of([], "staging.products", "/raw/master/D")
    with pytest.raises(BadData, match="lacks safety_stock"):
        typed("staging.replenishment_rules", "r.csv", b"sku,moq,policy\nS1,5,\n")


def test_a_missing_column_stops():
    with pytest.raises(BadData, match="lacks is_active"):
        typed("staging.stores", "stores.csv", b"store_id,name\nS1,A\n")
