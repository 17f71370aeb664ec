-- sql/migrations/001_procurement.sql
-- Purpose   Master data: what is sold, who supplies it on which terms, what must be kept, which stores and warehouses exist.
-- Rule      Quantities are whole base units, money is decimal. Where SQL can say that master data is wrong, it does.
-- Twice     Every statement may be applied again and changes nothing; so sql/schema.sql may be, too.

create schema if not exists procurement;
comment on schema procurement is 'Master data of the procurement pipeline; each business date plans from a snapshot of it';

-- An exclusion constraint compares ranges; text has no built-in range type, and PostgreSQL builds without the
-- extension btree_gist can't compare plain columns in one. A range from a value to itself overlaps only its equal.
do $$
begin
    if to_regtype('procurement.text_range') is null then
        create type procurement.text_range as range (subtype = text, collation = "C");
    end if;
end
$$;
comment on type procurement.text_range is 'Lets an exclusion constraint compare texts without the extension btree_gist';

create table if not exists procurement.products (
    sku text constraint products_pkey primary key,
    name text not null default '',
    department text,
    category text,
    base_unit text not null default 'each',
    pack_size integer,
    status text not null default 'active',
    constraint products_sku_is_clean check (sku <> '' and sku = btrim(sku) and sku !~ '[\u0001-\u001F\u007F-\u009F]' and octet_length(sku) <= 100),
    constraint products_base_unit_is_named check (base_unit <> ''),
    constraint products_pack_size_is_positive check (pack_size > 0),
    constraint products_status_is_known check (status in ('active', 'run_out', 'blocked'))
);
comment on table procurement.products is 'One stock keeping unit that stores may order';
comment on column procurement.products.sku is 'Stock keeping unit: the name of the product in every raw file';
comment on column procurement.products.name is 'What people call it';
comment on column procurement.products.department is 'Department of the store that sells it; NULL is not known';
comment on column procurement.products.category is 'Category within the department; NULL is not known';
comment on column procurement.products.base_unit is 'What one unit of every quantity is, such as each, kg or 0.001 gal';
comment on column procurement.products.pack_size is 'Base units in one orderable pack; NULL is not known yet: not ordered until it is set here or with the supplier';
comment on column procurement.products.status is 'active: planned; run_out: sold until gone, never ordered; blocked: never ordered';

create table if not exists procurement.suppliers (
    supplier_id text constraint suppliers_pkey primary key,
    name text not null default '',
    is_active boolean not null default true,
    lead_time_days integer not null,
    currency text,
    email text,
    constraint suppliers_id_is_a_file_name check (
        supplier_id <> '' and supplier_id = btrim(supplier_id) and supplier_id !~ '[\u0001-\u001F\u007F-\u009F/\\:]'
        and position('..' in supplier_id) = 0 and left(supplier_id, 1) <> '.' and octet_length(supplier_id) <= 100
    ),
    constraint suppliers_lead_time_is_not_negative check (lead_time_days >= 0),
    constraint suppliers_currency_is_iso_4217 check (currency ~ '^[A-Z]{3}$')
);
comment on table procurement.suppliers is 'One company that goods are ordered from';
comment on column procurement.suppliers.supplier_id is 'Short name of the supplier: part of order numbers and of order file names, so without / \ : .. and control characters';
comment on column procurement.suppliers.name is 'Name on the order';
comment on column procurement.suppliers.is_active is 'false: takes no orders; its SKUs go to the next supplier by priority';
comment on column procurement.suppliers.lead_time_days is 'Days from order to delivery, where product_suppliers says nothing else';
comment on column procurement.suppliers.currency is 'ISO 4217 code of its purchase costs; NULL is the business currency';
comment on column procurement.suppliers.email is 'Where questions about an order go; NULL is not known';

create table if not exists procurement.replenishment_rules (
    sku text constraint replenishment_rules_pkey primary key
        constraint replenishment_rules_sku_is_a_product references procurement.products (sku),
    moq bigint,
    safety_stock bigint,
    constraint replenishment_rules_moq_is_positive check (moq > 0),
    constraint replenishment_rules_safety_stock_is_not_negative check (safety_stock >= 0)
);
comment on table procurement.replenishment_rules is 'What must be kept and ordered at least of one SKU, for the whole network';
comment on column procurement.replenishment_rules.sku is 'The SKU that the rule is for';
comment on column procurement.replenishment_rules.moq is 'Minimum order quantity in base units, where product_suppliers says nothing else; NULL is not known: not ordered';
comment on column procurement.replenishment_rules.safety_stock is 'Base units that must remain over all warehouses; NULL is not set (the warehouses'' own figures count), 0 is zero';

create table if not exists procurement.product_suppliers (
    sku text not null constraint product_suppliers_sku_is_a_product references procurement.products (sku),
    supplier_id text not null constraint product_suppliers_supplier_exists references procurement.suppliers (supplier_id),
    priority integer not null default 1,
    valid_from date not null,
    valid_to date,
    pack_size integer,
    moq bigint,
    unit_cost numeric(12, 2) not null,
    currency text,
    lead_time_days integer,
    constraint product_suppliers_pkey primary key (sku, supplier_id, valid_from),
    constraint product_suppliers_priority_is_positive check (priority >= 1),
    constraint product_suppliers_valid_days_are_finite check (isfinite(valid_from) and isfinite(valid_to)),
    constraint product_suppliers_valid_to_is_not_before_valid_from check (valid_to >= valid_from),
    constraint product_suppliers_pack_size_is_positive check (pack_size > 0),
    constraint product_suppliers_moq_is_positive check (moq > 0),
    constraint product_suppliers_unit_cost_is_not_negative check (unit_cost >= 0 and unit_cost <> 'NaN'),
    constraint product_suppliers_currency_is_iso_4217 check (currency ~ '^[A-Z]{3}$'),
    constraint product_suppliers_lead_time_is_not_negative check (lead_time_days >= 0),
    constraint product_suppliers_one_supplier_a_priority_and_day exclude using gist (
        procurement.text_range(sku, sku, '[]') with &&,
        int8range(priority, priority, '[]') with &&,
        daterange(valid_from, valid_to, '[]') with &&
    )
);
comment on table procurement.product_suppliers is 'Who supplies a SKU, on which days, in which order of preference and on which terms';
comment on column procurement.product_suppliers.sku is 'The SKU that is supplied';
comment on column procurement.product_suppliers.supplier_id is 'The supplier of it';
comment on column procurement.product_suppliers.priority is '1 is asked first; no two suppliers of a SKU share a priority on one day';
comment on column procurement.product_suppliers.valid_from is 'First business date on which it may be ordered there (inclusive)';
comment on column procurement.product_suppliers.valid_to is 'Last business date on which it may be ordered there (inclusive); NULL is open';
comment on column procurement.product_suppliers.pack_size is 'Base units in one pack of this supplier; NULL takes products.pack_size';
comment on column procurement.product_suppliers.moq is 'Minimum order quantity of this supplier in base units; NULL takes replenishment_rules.moq';
comment on column procurement.product_suppliers.unit_cost is 'Purchase cost of one base unit in the currency, never a retail price';
comment on column procurement.product_suppliers.currency is 'ISO 4217 code of unit_cost; NULL takes suppliers.currency';
comment on column procurement.product_suppliers.lead_time_days is 'Days from order to delivery of this SKU; NULL takes suppliers.lead_time_days';

-- Foreign keys are checked from the other end too: without this, removing a supplier reads every row.
create index if not exists product_suppliers_by_supplier on procurement.product_suppliers (supplier_id);

create table if not exists procurement.stores (
    store_id text constraint stores_pkey primary key,
    name text not null default '',
    is_active boolean not null default true,
    constraint stores_id_is_clean check (store_id <> '' and store_id = btrim(store_id) and store_id !~ '[\u0001-\u001F\u007F-\u009F]' and octet_length(store_id) <= 100)
);
comment on table procurement.stores is 'One store that sends orders';
comment on column procurement.stores.store_id is 'The name of the store in raw order files';
comment on column procurement.stores.name is 'What people call it';
comment on column procurement.stores.is_active is 'false: closed; its orders are still known';

create table if not exists procurement.warehouses (
    warehouse_id text constraint warehouses_pkey primary key,
    name text not null default '',
    is_active boolean not null default true,
    constraint warehouses_id_is_clean check (warehouse_id <> '' and warehouse_id = btrim(warehouse_id) and warehouse_id !~ '[\u0001-\u001F\u007F-\u009F]' and octet_length(warehouse_id) <= 100)
);
comment on table procurement.warehouses is 'One warehouse that sends a stock snapshot a day';
comment on column procurement.warehouses.warehouse_id is 'The name of the warehouse in raw stock files';
comment on column procurement.warehouses.name is 'What people call it';
comment on column procurement.warehouses.is_active is 'false: closed; no snapshot is expected from it';
