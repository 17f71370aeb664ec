-- sql/adhoc/master_drift.sql
-- Purpose     What has changed in PostgreSQL since the master data of a business date was snapshotted and staged.
-- Grain       table_name, key: rows that are no longer the same
-- Reads       hive.staging.* (the date's snapshot), postgresql.procurement.* (now): one federated query
-- Parameters  business_date
-- Usage       ./submit.sh adhoc master_drift 2017-12-23
-- Then        ./submit.sh all 2017-12-23 --refresh-master plans the date from today's master data

with
    planned as (
        select 'products' as table_name, sku as key,
            map(array['name', 'department', 'category', 'base_unit', 'pack_size', 'status'],
                array[name, department, category, base_unit, cast(pack_size as varchar), status]) as row_values
        from hive.staging.products
        where business_date = date '$business_date'
        union all
        select 'suppliers' as table_name, supplier_id as key,
            map(array['name', 'is_active', 'lead_time_days', 'currency', 'email'],
                array[name, cast(is_active as varchar), cast(lead_time_days as varchar), currency, email]) as row_values
        from hive.staging.suppliers
        where business_date = date '$business_date'
        union all
        select 'replenishment_rules' as table_name, sku as key,
            map(array['moq', 'safety_stock'],
                array[cast(moq as varchar), cast(safety_stock as varchar)]) as row_values
        from hive.staging.replenishment_rules
        where business_date = date '$business_date'
        union all
        select 'product_suppliers' as table_name, concat(sku, ' from ', supplier_id, ' since ', cast(valid_from as varchar)) as key,
            map(array['priority', 'valid_to', 'pack_size', 'moq', 'unit_cost', 'currency', 'lead_time_days'],
                array[cast(priority as varchar), cast(valid_to as varchar), cast(pack_size as varchar), cast(moq as varchar), cast(unit_cost as varchar), currency, cast(lead_time_days as varchar)]) as row_values
        from hive.staging.product_suppliers
        where business_date = date '$business_date'
        union all
        select 'stores' as table_name, store_id as key,
            map(array['name', 'is_active'],
                array[name, cast(is_active as varchar)]) as row_values
        from hive.staging.stores
        where business_date = date '$business_date'
        union all
        select 'warehouses' as table_name, warehouse_id as key,
            map(array['name', 'is_active'],
                array[name, cast(is_active as varchar)]) as row_values
        from hive.staging.warehouses
        where business_date = date '$business_date'
    ),

    today as (
        select 'products' as table_name, sku as key,
            map(array['name', 'department', 'category', 'base_unit', 'pack_size', 'status'],
                array[name, department, category, base_unit, cast(pack_size as varchar), status]) as row_values
        from postgresql.procurement.products
        union all
        select 'suppliers' as table_name, supplier_id as key,
            map(array['name', 'is_active', 'lead_time_days', 'currency', 'email'],
                array[name, cast(is_active as varchar), cast(lead_time_days as varchar), currency, email]) as row_values
        from postgresql.procurement.suppliers
        union all
        select 'replenishment_rules' as table_name, sku as key,
            map(array['moq', 'safety_stock'],
                array[cast(moq as varchar), cast(safety_stock as varchar)]) as row_values
        from postgresql.procurement.replenishment_rules
        union all
        select 'product_suppliers' as table_name, concat(sku, ' from ', supplier_id, ' since ', cast(valid_from as varchar)) as key,
            map(array['priority', 'valid_to', 'pack_size', 'moq', 'unit_cost', 'currency', 'lead_time_days'],
                array[cast(priority as varchar), cast(valid_to as varchar), cast(pack_size as varchar), cast(moq as varchar), cast(unit_cost as varchar), currency, cast(lead_time_days as varchar)]) as row_values
        from postgresql.procurement.product_suppliers
        union all
        select 'stores' as table_name, store_id as key,
            map(array['name', 'is_active'],
                array[name, cast(is_active as varchar)]) as row_values
        from postgresql.procurement.stores
        union all
        select 'warehouses' as table_name, warehouse_id as key,
            map(array['name', 'is_active'],
                array[name, cast(is_active as varchar)]) as row_values
        from postgresql.procurement.warehouses
    )

select
    table_name,
    key,
    case when planned.row_values is null then 'added' when today.row_values is null then 'removed' else 'changed' end as change,
    map_filter(planned.row_values, (name, value) -> value is distinct from element_at(today.row_values, name)) as was,
    map_filter(today.row_values, (name, value) -> value is distinct from element_at(planned.row_values, name)) as is_now
from planned
full outer join today using (table_name, key)
where planned.row_values is distinct from today.row_values
order by table_name, key
