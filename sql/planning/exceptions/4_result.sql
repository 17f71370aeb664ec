-- sql/planning/exceptions/4_result.sql
-- What each costs, its rank, and since when it is open.

    lines as (
        select *, cast(null as decimal(38,2)) as own_value from sku_lines
        union all
        select code, sku, null, null, null, table_name, observed_qty, expected_qty, rejected_count, null, null, null, message, null
        from rejected_lines
        union all
        select
            'missing_store', null, null, store_id, null, null, 0, weekday_count, try_cast(mean_qty as bigint), null, null, null,
            format('no order line today; it sent on %s of the last %s same weekdays', weekday_count, $missing_store_weekdays), null
        from silent_stores
        union all
        select
            if(stock_row_count = 0, 'missing_snapshot', 'short_snapshot'), null, null, null, warehouse_id, null,
            stock_row_count, before_row_count, try_cast(missing_qty as bigint), null, null, null,
            format('%s stock rows, %s in the snapshot before', stock_row_count, before_row_count), null
        from snapshots
        where stock_row_count = 0 and is_active
            or stock_row_count > 0 and stock_row_count * 100 <= before_row_count * (100 - $short_snapshot_percent)
        union all
        select
            'incomplete_history', null, null, null, null, 'staging.pos_order_lines', $published_days, $history_days, null, null, null,
            null,
            format('%s of the %s days before have published order lines', $published_days, $history_days), null
        where $published_days < $history_days
        -- when on: calendar
        union all
        select
            if(next_order_date is null, 'no_next_order_day', 'no_order_day'), null, supplier_id, null, null, null,
            sku_count, null, try_cast(need_qty as bigint), null, null, currency,
            format('%s units of %s SKU%s needed, not ordered: %s', need_qty, sku_count, if(sku_count = 1, '', 's'),
                if(next_order_date is null, 'it takes no order within a year', format('it takes the next order on %s', next_order_date))),
            if(currency is not null, need_value)
        from waiting_suppliers
        -- end
        -- when on: minimum
        union all
        select
            case minimum_status when 'flagged' then 'below_minimum' when 'held' then 'held_below_minimum' else 'minimum_not_reached' end,
            null, supplier_id, null, null, null,
            try_cast(order_units as bigint), minimum_order_units, try_cast(order_units as bigint), null, null, currency,
            format('the order has %s and is %s: the minimum is %s',
                if(order_value < minimum_order_value, format('%s %s', order_value, currency), format('%s units', order_units)),
                case minimum_status when 'flagged' then 'sent' when 'held' then 'held back' else 'sent, nothing may fill it up' end,
                if(order_value < minimum_order_value, format('%s %s', minimum_order_value, currency), format('%s units', minimum_order_units))),
            order_value
        from short_suppliers
        -- end
    ),

    valued as (
        select
            *,
            concat_ws(
                ', ', table_name, 'SKU ' || sku, 'supplier ' || supplier_id, 'store ' || store_id, 'warehouse ' || warehouse_id
            ) as subject,
            coalesce(own_value, at_risk_qty * unit_cost) as cost_at_risk,
            $severity_of_code as severity
        from lines
    ),

    -- for the rank alone, what has no cost counts by its days, at the mean of a day at risk of the lines that have both (a unit
    -- may be a thousandth of a gallon); without days by its units, at the mean of a unit; where no line has a cost, as 1
    averaged as (
        select
            valued.*,
            coalesce(
                cost_at_risk,
                greatest(days_at_risk, 1) * coalesce(
                    try_cast(
                        sum(if(days_at_risk is not null, cost_at_risk)) over ()
                            / nullif(sum(if(cost_at_risk is not null, cast(greatest(days_at_risk, 1) as decimal(38,0)))) over (), 0)
                            as decimal(18,2)
                    ),
                    1
                ),
                at_risk_qty * coalesce(
                    try_cast(
                        sum(cost_at_risk) over ()
                            / nullif(sum(if(cost_at_risk is not null, cast(at_risk_qty as decimal(38,0)))) over (), 0) as decimal(18,2)
                    ),
                    1
                ),
                0
            ) as rank_cost,
            last_night.code is not null as is_open,
            coalesce(last_night.first_seen, last_night.business_date) as first_seen,
            coalesce(last_night.nights_open, 1) as nights_before
        from valued
        left join last_night on last_night.code = valued.code and last_night.subject = valued.subject
    )

select
    row_number() over (
        order by
            at_risk_qty is null and severity = 'error' desc, rank_cost desc, days_at_risk desc nulls last,
            case severity when 'error' then 1 when 'warning' then 2 else 3 end, subject, code
    ) as rank,
    code,
    cast(severity as varchar) as severity,
    subject,
    sku,
    supplier_id,
    store_id,
    warehouse_id,
    cast(if(is_open, 'open', 'new') as varchar) as state,
    if(is_open, first_seen, date '$business_date') as first_seen,
    cast(if(is_open, nights_before + 1, 1) as bigint) as nights_open,
    cast(observed_qty as bigint) as observed_qty,
    cast(expected_qty as bigint) as expected_qty,
    at_risk_qty,
    days_at_risk,
    cast(cost_at_risk as decimal(38,2)) as cost_at_risk,
    if(cost_at_risk is not null, currency) as currency,
    message,
    cast($action_of_code as varchar) as action
from averaged
