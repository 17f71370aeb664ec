"""Master data in PostgreSQL: applied twice it changes nothing, and what is wrong is refused by a constraint."""

import re
from contextlib import contextmanager
from datetime import date

import psycopg2
import pytest

from common.contracts import contract
from common.errors import BadData
from common.inbox.generate import Plan
from common.inbox.generate_master import master_files
from common.inbox.master import load_master
from common.migrate import SCHEMA, init_master_data, migrate, migrations, schema_text
from common.publish.order_files import file_name
from common.settings import ROOT

pytestmark = pytest.mark.master_data

TABLES = ("products", "suppliers", "replenishment_rules", "product_suppliers", "stores", "warehouses", "calendar_days")


@pytest.fixture
def cursor(postgres):
    """A transaction that is rolled back, with a product and two suppliers."""
    connection = postgres.connect()
    with connection.cursor() as cursor:
        cursor.execute("insert into procurement.products (sku, pack_size, status) values ('T', 6, 'active')")
        cursor.execute("insert into procurement.suppliers (supplier_id, is_active, lead_time_days)"
                       " values ('T1', true, 2), ('T2', true, 2)")
        cursor.execute("insert into procurement.product_suppliers (sku, supplier_id, priority, valid_from, valid_to, unit_cost)"
                       " values ('T', 'T1', 1, '2017-01-01', '2017-06-30', 1.00)")
        yield cursor
    connection.rollback()
    connection.close()


LINK = (
    "insert into procurement.product_suppliers (sku, supplier_id, priority, valid_from, valid_to, pack_size, moq, unit_cost)"
    " values "
)
BAD = [
    "insert into procurement.products (sku, pack_size) values ('X', 0)",
    "insert into procurement.products (sku, pack_size) values ('X', -1)",
    "insert into procurement.products (sku, status) values ('X', 'gone')",
    "insert into procurement.products (sku) values ('')",
    "insert into procurement.products (sku) values (' X')",
    "insert into procurement.products (sku) values (E'X\\n')",
    "insert into procurement.products (sku) values ('T')",
    "insert into procurement.replenishment_rules (sku, moq) values ('T', 0)",
    "insert into procurement.replenishment_rules (sku, safety_stock) values ('T', -1)",
    "insert into procurement.replenishment_rules (sku, moq) values ('NOBODY', 1)",
    "insert into procurement.suppliers (supplier_id, lead_time_days) values ('X', -1)",
    "insert into procurement.suppliers (supplier_id, lead_time_days, currency) values ('X', 1, 'dollars')",
    *(f"insert into procurement.suppliers (supplier_id, lead_time_days) values ({name}, 1)"
      for name in ("''", "'a/b'", "'..'", "'a:b'", "' a'", "'a '", "E'a\\tb'", "E'a\\u0085'", "'a\\b'", "'.hidden'",
                   "'t1'", "repeat('ä', 42)", "repeat('~', 83)")),
    LINK + "('T', 'T1', 2, '2018-01-01', '2017-12-31', null, null, 1)",
    LINK + "('T', 'T1', 0, '2018-01-01', null, null, null, 1)",
    LINK + "('T', 'T1', 1, '2018-01-01', null, 0, null, 1)",
    LINK + "('T', 'T1', 1, '2018-01-01', null, null, 0, 1)",
    LINK + "('T', 'T1', 1, '2018-01-01', null, null, null, -0.01)",
    LINK + "('T', 'T1', 1, '2018-01-01', null, null, null, 'NaN')",
    LINK + "('T', 'T1', 1, '2018-01-01', 'infinity', null, null, 1)",
    LINK + "('T', 'T1', 1, '0044-03-15 BC', '2016-12-31', null, null, 1)",
    LINK + "('T', 'T1', 1, '2018-01-01', '10000-01-01', null, null, 1)",
    LINK + "('T', 'NOBODY', 1, '2018-01-01', null, null, null, 1)",
    LINK + "('T', 'T2', 1, '2017-06-30', null, null, null, 1)",  # both ends are inclusive
    LINK + "('T', 'T2', 1, '2016-01-01', '2017-01-01', null, null, 1)",
    LINK + "('T', 'T1', 2, '2017-06-30', null, null, null, 1)",  # a new price beside the old one
    "insert into procurement.stores (store_id) values (E'a\\x07')",
    "insert into procurement.warehouses (warehouse_id) values ('')",
    *(f"update procurement.suppliers set {change}"
      for change in ("policy = 'kanban'", "order_weekdays = '531'", "order_weekdays = ''", "order_weekdays = '8'",
                     "minimum_order_value = 0", "minimum_order_value = 'NaN'", "minimum_order_units = 0",
                     "minimum_action = 'drop'", "lead_time_unit = 'weeks'", "level_share_percent = 101")),
    "insert into procurement.replenishment_rules (sku, max_order_qty) values ('T', -1)",
    "insert into procurement.replenishment_rules (sku, policy) values ('T', 'kanban')",
    *(f"update procurement.product_suppliers set {change}"
      for change in ("policy = 'kanban'", "case_size = 0", "layer_size = 0", "pallet_size = 0", "level_share_percent = -1",
                     "max_order_qty = -1", "pack_size = 5, case_size = 12", "pack_size = 5, layer_size = 12",
                     "pack_size = 5, pallet_size = 12")),
    *(f"insert into procurement.calendar_days (party_kind, party_id, day) values {row}"
      for row in ("('store', 'T', '2017-12-25')", "('supplier', '', '2017-12-25')", "('receiver', 'T1', '2017-12-25')",
                  "('supplier', 'T1', 'infinity')", "('supplier', 'T1', '10000-01-01')")),
]  # fmt: skip


@pytest.mark.parametrize("statement", BAD)
def test_bad_master_data_is_refused(cursor, statement):
    with pytest.raises((psycopg2.IntegrityError, psycopg2.DataError)):
        cursor.execute(statement)


@pytest.mark.parametrize("statement", [
    LINK + "('T', 'T2', 1, '2017-07-01', null, null, null, 1)",  # the day after
    LINK + "('T', 'T2', 2, '2017-01-01', null, 10, 10, 0)",  # the same days, second in line
    LINK + "('T', 'T2', 2147483647, '2017-01-01', '9999-12-31', null, null, 9999999999.99)",
    LINK + "('T', 'T1', 2, '2017-07-01', null, null, null, 1)",  # a new price from the day after on
    "insert into procurement.products (sku, pack_size, status) values ('Ünï cødé', null, 'run_out')",
    "insert into procurement.replenishment_rules (sku, moq, safety_stock) values ('T', null, 9007199254740993)",
    "insert into procurement.replenishment_rules (sku, policy, max_order_qty) values ('T', 'order_up_to', 0)",
    "insert into procurement.suppliers (supplier_id, lead_time_days) values ('Ä', 1), ('ä', 1), (repeat('ä', 41), 1)",
    "insert into procurement.suppliers (supplier_id, lead_time_days) values (repeat('x', 100), 1), (repeat('~', 82), 1)",
    "update procurement.suppliers set order_weekdays = '135', minimum_order_value = 500, minimum_action = 'fill'",
    "update procurement.suppliers set lead_time_unit = 'working', is_held_on_spike = true",
    "update procurement.product_suppliers set pack_size = 6, case_size = 12, layer_size = 48, pallet_size = 480,"
    " level_share_percent = 0",
    "insert into procurement.calendar_days (party_kind, party_id, day) values ('supplier', 'T1', '2017-12-25')",
    "insert into procurement.calendar_days (party_kind, party_id, day) values ('receiver', 'network', '2017-12-25')",
])  # fmt: skip
def test_good_master_data_is_taken(cursor, statement):
    cursor.execute(statement)


@pytest.mark.parametrize("supplier", ["ä" * 41, "~" * 82, "x" * 100, "con." + "ä" * 40])
def test_what_master_data_takes_is_the_name_of_a_file(cursor, supplier):
    cursor.execute("insert into procurement.suppliers (supplier_id, lead_time_days) values (%s, 1)", (supplier,))
    assert len(file_name(supplier)) <= 255


def test_rows_that_a_newer_schema_does_not_take_are_named(postgres):
    class Broken:
        """A transaction that sees, as in an old database, two such suppliers, and the last step not applied."""

        @contextmanager
        def transaction(self):
            with postgres.transaction() as cursor:
                cursor.execute("drop index procurement.suppliers_id_differs_in_more_than_case")
                cursor.execute("insert into procurement.suppliers (supplier_id, lead_time_days) values ('Zz', 1), ('zZ', 1)")
                cursor.execute("delete from ops.migrations where number = 4")
                yield cursor

    with pytest.raises(BadData, match="newer schema") as failure:
        migrate(Broken())
    assert "(zz)" in failure.value.where
    assert migrate(postgres) == []


def shape(postgres):
    columns = postgres.rows(
        "select table_schema, table_name, column_name, data_type, is_nullable, column_default from information_schema.columns"
        " where table_schema in ('procurement', 'ops') order by 1, 2, ordinal_position"
    )
    return columns + postgres.rows(
        "select conname, pg_get_constraintdef(oid) from pg_constraint"
        " where connamespace = 'procurement'::regnamespace order by 1"
    )


def test_applying_the_schema_twice_changes_nothing(postgres):
    before = shape(postgres)
    assert migrate(postgres) == []
    connection = postgres.connect()
    with connection, connection.cursor() as cursor:
        cursor.execute(SCHEMA.read_text(encoding="utf-8"))
    connection.close()
    assert shape(postgres) == before
    assert postgres.rows("select count(*) from ops.migrations") == [(len(migrations()),)]


def test_schema_sql_is_made_from_the_migrations():
    assert SCHEMA.read_text(encoding="utf-8") == schema_text(), "run: python -m common.migrate"


def test_every_table_and_column_has_a_comment(postgres):
    bare = postgres.rows(
        "select c.relname, a.attname from pg_class c join pg_namespace n on n.oid = c.relnamespace"
        " join pg_attribute a on a.attrelid = c.oid and a.attnum >= 0 and not a.attisdropped"
        " where n.nspname in ('procurement', 'ops') and c.relkind = 'r'"
        " and (col_description(c.oid, a.attnum) is null or obj_description(c.oid, 'pg_class') is null)"
    )
    assert bare == []


def test_a_comment_names_the_setting_that_fills_in_as_the_contract_does(postgres):
    """NULL of a minimum or a maximum is what a setting says: PostgreSQL's readers are told the same as the lake's."""
    told = postgres.rows(
        "select c.relname, a.attname, col_description(c.oid, a.attnum) from pg_class c join pg_attribute a on a.attrelid = c.oid"
        " where c.relnamespace = 'procurement'::regnamespace and c.relkind = 'r' and a.attnum > 0 and not a.attisdropped"
    )
    comments = {(table, column): set(re.findall(r"planning\.\w+", text)) for table, column, text in told}
    columns = [(table, column) for table in TABLES for column in contract(f"staging.{table}").columns]
    contracts = {(table, c.name): set(re.findall(r"planning\.\w+", c.description)) for table, c in columns}
    assert {key: comments[key] for key in contracts} == contracts
    assert contracts["suppliers", "minimum_order_units"] and contracts["product_suppliers", "max_order_qty"]


def test_the_readable_set_twice_changes_nothing(postgres):
    def rows():
        return {table: postgres.rows(f"select t.*, xmin from procurement.{table} t order by 1, 2") for table in TABLES}

    init_master_data(postgres)
    first = rows()
    init_master_data(postgres)
    assert rows() == first
    assert len([r for r in first["products"] if r[0].endswith(("GAL", "OZ", "LB"))]) >= 6


def test_loading_twice_changes_nothing_and_a_broken_file_nothing_either(postgres, tmp_path):
    files = master_files(Plan(date(2026, 1, 5), skus=30), tmp_path)
    load_master(postgres, files)
    assert set(load_master(postgres, files).values()) == {0}
    files["products"].write_text("sku,pack_size\nG000001,7\nG000002,0\n", encoding="utf-8")
    with pytest.raises(BadData, match="constraint"):
        load_master(postgres, files)
    assert postgres.rows("select count(*) from procurement.products where sku = 'G000001' and pack_size = 7") == [(0,)]


def test_another_plan_replaces_the_suppliers_of_its_skus(postgres, tmp_path):
    for seed, skus in ((1, 30), (2, 400), (3, 30)):
        files = master_files(Plan(date(2026, 1, 5), skus=skus, seed=seed), tmp_path)
        load_master(postgres, files)
        assert set(load_master(postgres, files).values()) == {0}


def test_the_readable_set_is_readable():
    text = (ROOT / "sql" / "init_master_data.sql").read_text(encoding="utf-8")
    assert len(text.splitlines()) < 100
