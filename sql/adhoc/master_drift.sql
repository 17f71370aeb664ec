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
            map(array['name', 'is_active', 'lead_time_days', 'currency', 'email', 'policy', 'order_weekdays', 'lead_time_unit',
                    'level_share_percent', 'is_held_on_spike', 'minimum_order_value', 'minimum_order_units', 'minimum_action'],
                array[name, cast(is_active as varchar), cast(lead_time_days as varchar), currency, email, policy, order_weekdays, lead_time_unit,
                    cast(level_share_percent as varchar), cast(is_held_on_spike as varchar), cast(minimum_order_value as varchar), cast(minimum_order_units as varchar), minimum_action]) as row_values
        from hive.staging.suppliers
        where business_date = date '$business_date'
        union all
        select 'replenishment_rules' as table_name, sku as key,
            map(array['moq', 'safety_stock', 'policy', 'level_share_percent', 'max_order_qty', 'is_held_on_spike'],
                array[cast(moq as varchar), cast(safety_stock as varchar), policy, cast(level_share_percent as varchar), cast(max_order_qty as varchar), cast(is_held_on_spike as varchar)]) as row_values
        from hive.staging.replenishment_rules
        where business_date = date '$business_date'
        union all
        select 'product_suppliers' as table_name, concat(sku, ' from ', supplier_id, ' since ', cast(valid_from as varchar)) as key,
            map(array['priority', 'valid_to', 'pack_size', 'moq', 'unit_cost', 'currency', 'lead_time_days', 'policy',
                    'case_size', 'layer_size', 'pallet_size', 'level_share_percent', 'max_order_qty'],
                array[cast(priority as varchar), cast(valid_to as varchar), cast(pack_size as varchar), cast(moq as varchar), cast(unit_cost as varchar), currency, cast(lead_time_days as varchar), policy,
                    cast(case_size as varchar), cast(layer_size as varchar), cast(pallet_size as varchar), cast(level_share_percent as varchar), cast(max_order_qty as varchar)]) as row_values
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
        union all
        select 'calendar_days' as table_name, concat(party_kind, ' ', party_id, ' on ', cast(day as varchar)) as key,
            map(array['is_order_day', 'is_working_day', 'reason'],
                array[cast(is_order_day as varchar), cast(is_working_day as varchar), reason]) as row_values
        from hive.staging.calendar_days
        where business_date = date '$business_date'
    ),

    today as (
        select 'products' as table_name, sku as key,
            map(array['name', 'department', 'category', 'base_unit', 'pack_size', 'status'],
                array[name, department, category, base_unit, cast(pack_size as varchar), status]) as row_values
        from postgresql.procurement.products
        union all
        select 'suppliers' as table_name, supplier_id as key,
            map(array['name', 'is_active', 'lead_time_days', 'currency', 'email', 'policy', 'order_weekdays', 'lead_time_unit',
                    'level_share_percent', 'is_held_on_spike', 'minimum_order_value', 'minimum_order_units', 'minimum_action'],
                array[name, cast(is_active as varchar), cast(lead_time_days as varchar), currency, email, policy, order_weekdays, lead_time_unit,
                    cast(level_share_percent as varchar), cast(is_held_on_spike as varchar), cast(minimum_order_value as varchar), cast(minimum_order_units as varchar), minimum_action]) as row_values
        from postgresql.procurement.suppliers
        union all
        select 'replenishment_rules' as table_name, sku as key,
            map(array['moq', 'safety_stock', 'policy', 'level_share_percent', 'max_order_qty', 'is_held_on_spike'],
                array[cast(moq as varchar), cast(safety_stock as varchar), policy, cast(level_share_percent as varchar), cast(max_order_qty as varchar), cast(is_held_on_spike as varchar)]) as row_values
        from postgresql.procurement.replenishment_rules
        union all
        select 'product_suppliers' as table_name, concat(sku, ' from ', supplier_id, ' since ', cast(valid_from as varchar)) as key,
            map(array['priority', 'valid_to', 'pack_size', 'moq', 'unit_cost', 'currency', 'lead_time_days', 'policy',
                    'case_size', 'layer_size', 'pallet_size', 'level_share_percent', 'max_order_qty'],
                array[cast(priority as varchar), cast(valid_to as varchar), cast(pack_size as varchar), cast(moq as varchar), cast(unit_cost as varchar), currency, cast(lead_time_days as varchar), policy,
                    cast(case_size as varchar), cast(layer_size as varchar), cast(pallet_size as varchar), cast(level_share_percent as varchar), cast(max_order_qty as varchar)]) as row_values
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
        union all
        select 'calendar_days' as table_name, concat(party_kind, ' ', party_id, ' on ', cast(day as varchar)) as key,
            map(array['is_order_day', 'is_working_day', 'reason'],
                array[cast(is_order_day as varchar), cast(is_working_day as varchar), reason]) as row_values
        from postgresql.procurement.calendar_days
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
