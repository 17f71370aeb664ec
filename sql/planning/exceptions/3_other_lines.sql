-- sql/planning/exceptions/3_other_lines.sql
-- The exceptions of rejected rows, stores, warehouses and suppliers.

    -- rejected rows by table and, apart, by SKU that no product has
    rejected_groups as (
        select
            table_name,
            unknown_sku,
            count(*) as rejected_count,
            count_if(sku is null and table_name = 'staging.warehouse_stock') as unreadable_count,
            count(distinct source_file) as file_count,
            min(source_file) as first_file
        from (select *, if(contains(reasons, 'sku_unknown'), sku) as unknown_sku from rejected)
        group by grouping sets ((table_name), (unknown_sku))
    ),

    -- rows that were accepted, by table
    accepted_rows as (
        select 'staging.pos_order_lines' as accepted_table, order_line_count as accepted_count from totals
        union all
        select 'staging.warehouse_stock', stock_row_count from totals
        union all
        select 'staging.receipts', count(*) from $receipts where business_date = date '$business_date'
    ),

    rejected_lines as (
        select
            raised.*,
            unknown_sku as sku,
            coalesce(table_name, 'rejected rows') as table_name,
            rejected_count
        from rejected_groups
        cross join totals
        left join accepted_rows on accepted_table = table_name
        cross join unnest(cast(array[
            if(table_name is not null and unreadable_count > 0 and unreadable_hold_count > 0, row(
                'rejected_stock_row', unreadable_count, unreadable_hold_count,
                format('%s rejected stock row(s) name no SKU: %s SKUs without a stock record are held', unreadable_count, unreadable_hold_count)
            )),
            -- the part of a thousand is of the rows read: those that were rejected and those that were not
            if(table_name is not null and rejected_count * (1000 - $rejected_notice_permille)
                > $rejected_notice_permille * accepted_count, row(
                'rejected_rows', rejected_count, rejected_count + accepted_count,
                format('%s of %s rows rejected, in %s file(s), the first is %s', rejected_count, rejected_count + accepted_count,
                    file_count, first_file)
            )),
            if(unknown_sku is not null, row(
                'unknown_sku', rejected_count, null,
                format('%s rejected row(s) name it, and no product has it', rejected_count)
            ))
        ] as array(row(code varchar, observed_qty bigint, expected_qty bigint, message varchar)))) as raised (code, observed_qty, expected_qty, message)
        where raised.code is not null
    ),

    silent_stores as (
        select
            stores.store_id,
            sent.weekday_count,
            (sent.weekday_qty - sent.weekday_qty % sent.weekday_count) / sent.weekday_count as mean_qty
        from stores
        inner join (
            select
                store_id,
                count(distinct if(business_date < date '$business_date', business_date)) as weekday_count,
                sum(cast(quantity as decimal(38,0))) as weekday_qty
            from weekdays
            group by store_id
            having count_if(business_date = date '$business_date') = 0
        ) as sent on sent.store_id = stores.store_id
        where stores.is_active and sent.weekday_count >= $missing_store_sent
    ),

    snapshots as (
        select
            warehouses.warehouse_id,
            warehouses.is_active,
            coalesce(sent.stock_row_count, 0) as stock_row_count,
            coalesce(sent.before_row_count, 0) as before_row_count,
            greatest(0, sent.before_qty - coalesce(sent.available_qty, 0)) as missing_qty
        from warehouses
        left join (
            select
                warehouse_id,
                max(row_count) filter (where business_date = date '$business_date') as stock_row_count,
                max_by(row_count, business_date) filter (where business_date < date '$business_date') as before_row_count,
                max(available_qty) filter (where business_date = date '$business_date') as available_qty,
                -- its own latest one: not every warehouse sends every night
                max_by(available_qty, business_date) filter (where business_date < date '$business_date') as before_qty
            from (
                select
                    warehouse_id,
                    business_date,
                    count(*) as row_count,
                    sum(cast(available_qty as decimal(38,0))) as available_qty
                from snapshot_rows
                group by warehouse_id, business_date
            )
            group by warehouse_id
        ) as sent on sent.warehouse_id = warehouses.warehouse_id
    ),

    -- suppliers that take no order on the date: the need is shown, one line for all their SKUs
    -- when on: calendar
    waiting_suppliers as (
        select
            supplier_id,
            max(next_order_date) as next_order_date,
            count(*) as sku_count,
            sum(cast(net_demand_qty as decimal(38,0))) as need_qty,
            sum(net_demand_qty * unit_cost) as need_value,
            if(count(distinct currency) = 1, max(currency)) as currency
        from decisions
        where outcome = 'no_order_day'
        group by supplier_id
    ),
    -- end

    -- suppliers whose order is below their minimum
    -- when on: minimum
    short_suppliers as (
        select
            orders.*,
            coalesce(suppliers.minimum_order_value, nullif(cast($minimum_order_value as decimal(14,2)), 0)) as minimum_order_value,
            coalesce(suppliers.minimum_order_units, nullif(cast($minimum_order_units as bigint), 0)) as minimum_order_units
        from (
            select
                supplier_id,
                max(minimum_status) as minimum_status,
                max(order_currency) as currency,
                sum(cast(after_fill_qty as decimal(38,0))) as order_units,
                sum(after_fill_qty * unit_cost) as order_value
            from decisions
            where minimum_status in ('flagged', 'held', 'unreachable')
            group by supplier_id
        ) as orders
        inner join (select * from $suppliers where business_date = date '$business_date') as suppliers
            on suppliers.supplier_id = orders.supplier_id
    ),
    -- end
