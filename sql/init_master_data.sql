-- sql/init_master_data.sql
-- Purpose   A small set of master data to read, to try the pipeline with, and to build examples on.
-- Usage     psql "$DATABASE_URL" -v ON_ERROR_STOP=1 -f sql/init_master_data.sql     (after sql/schema.sql)
-- Twice     Applying it again changes nothing: a row that is there stays as it is.
-- Shows     an inactive supplier with a second one behind it (butter), one without (candles); a second supplier that
--           ships in tens (pasta); an MOQ that is no multiple of the pack (coffee); an unknown pack size (saffron);
--           a SKU without a supplier (honey); terms that changed on a date (milk); run out and blocked products.

begin;

insert into procurement.suppliers (supplier_id, name, is_active, lead_time_days, currency, email) values
    ('HARTMANN',  'Hartmann Dairy',  true,  2, 'USD', 'orders@hartmann.example'),
    ('LARKFIELD', 'Larkfield Foods', true,  5, 'USD', 'orders@larkfield.example'),
    ('OLD-MILL',  'Old Mill Pantry', false, 4, 'USD', null),
    ('TEN-BY-TEN', 'Ten by Ten Wholesale', true, 1, 'USD', 'orders@tenbyten.example')
on conflict do nothing;

insert into procurement.products (sku, name, department, category, base_unit, pack_size, status) values
    ('MILK-1GAL',   'Whole milk 1 gal',       'DAIRY',   'MILK',    'each',      12, 'active'),
    ('BUTTER-8OZ',  'Salted butter 8 oz',     'DAIRY',   'BUTTER',  'each',      24, 'active'),
    ('PASTA-1LB',   'Spaghetti 1 lb',         'GROCERY', 'PASTA',   'each',      20, 'active'),
    ('COFFEE-12OZ', 'Ground coffee 12 oz',    'GROCERY', 'COFFEE',  'each',      12, 'active'),
    ('RICE-2LB',    'Long grain rice 2 lb',   'GROCERY', 'RICE',    'each',      10, 'active'),
    ('SAFFRON-1G',  'Saffron 1 g',            'GROCERY', 'SPICES',  'each',    null, 'active'),
    ('HONEY-1LB',   'Wildflower honey 1 lb',  'GROCERY', 'SPREADS', 'each',       6, 'active'),
    ('CANDLE-TALL', 'Candle, tall',           'HOME',    null,      'each',       8, 'active'),
    ('FIG-JAM',     'Fig jam 9 oz',           'GROCERY', 'SPREADS', 'each',       6, 'run_out'),
    ('FUEL-REG',    'Regular unleaded',       'FUEL',    null,      '0.001 gal',  1, 'blocked')
on conflict do nothing;

-- moq: at least so many units an order; safety_stock: null leaves it to the warehouses' own figures, 0 is zero
insert into procurement.replenishment_rules (sku, moq, safety_stock) values
    ('MILK-1GAL',   24,   20),
    ('BUTTER-8OZ',  24,   10),
    ('PASTA-1LB',   40,   15),
    ('COFFEE-12OZ', 25,    6),
    ('RICE-2LB',    10, null),
    ('SAFFRON-1G',   1,    2),
    ('HONEY-1LB',    6,    0),
    ('CANDLE-TALL',  8,    4)
on conflict do nothing;

insert into procurement.product_suppliers
    (sku, supplier_id, priority, valid_from, valid_to, pack_size, moq, unit_cost, currency, lead_time_days)
values
    ('MILK-1GAL',   'HARTMANN',  1, '2016-01-01', '2017-06-30', null, null,  2.20, null, null),
    ('MILK-1GAL',   'HARTMANN',  1, '2017-07-01', null,         null, null,  2.31, null, null),
    ('BUTTER-8OZ',  'OLD-MILL',  1, '2016-01-01', null,         null, null,  1.05, null, null),
    ('BUTTER-8OZ',  'LARKFIELD', 2, '2016-01-01', null,         null, null,  1.18, null, null),
    ('PASTA-1LB',   'LARKFIELD', 1, '2016-01-01', null,         null, null,  0.74, null, null),
    ('PASTA-1LB',   'TEN-BY-TEN', 2, '2016-01-01', null,           10,   10,  0.81, null,    1),
    ('COFFEE-12OZ', 'LARKFIELD', 1, '2016-01-01', null,         null, null,  4.90, null, null),
    ('RICE-2LB',    'TEN-BY-TEN', 1, '2016-01-01', null,         null,   20,  1.66, null, null),
    ('SAFFRON-1G',  'LARKFIELD', 1, '2016-01-01', null,         null, null,  6.40, null,   10),
    ('CANDLE-TALL', 'OLD-MILL',  1, '2016-01-01', null,         null, null,  0.92, null, null),
    ('FIG-JAM',     'LARKFIELD', 1, '2016-01-01', null,         null, null,  2.75, null, null)
on conflict do nothing;

insert into procurement.stores (store_id, name, is_active) values
    ('S-NORTH', 'North Street', true),
    ('S-PARK',  'Park Road',    true),
    ('S-OLD',   'Old Town (closed)', false)
on conflict do nothing;

insert into procurement.warehouses (warehouse_id, name, is_active) values
    ('W1', 'Warehouse North',  true),
    ('W2', 'Warehouse Centre', true),
    ('W3', 'Warehouse South',  true)
on conflict do nothing;

commit;
