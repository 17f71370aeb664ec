-- sql/planning/exceptions/model.sql
-- Purpose   What a planner must look at: one line each, with the numbers, what is at risk and what to do about it.
-- Grain     code, subject
-- Reads     planning.net_demand, planning.order_decisions, planning.open_orders (not every date has it), staging.pos_order_lines (the date and the window before it),
--           staging.warehouse_stock (the date and the snapshot before it), staging.stores, staging.warehouses,
--           staging.suppliers (where a supplier minimum counts),
--           audit.rejected_rows (of the runs that published the orders and the stock), codes.yml, spike_rule.sql, and
--           planning.exceptions of the last date before that has them (to tell what is new)
-- Formula   each code by its condition in `signals` and below; codes.yml says it in words, and what is at risk
--           cost_at_risk = at_risk_qty * unit cost, days_at_risk = at_risk_qty / mean daily demand, rounded down
-- Options   a part between `when on:` and `end` is there only in a night that uses the option (common/planning_options.py)
-- Try it    ./submit.sh exceptions 2017-12-23

with
    net_demand  as (select * from $net_demand where business_date = date '$business_date'),
    decisions   as (select * from $order_decisions where business_date = date '$business_date'),
    stock       as (select * from $warehouse_stock where business_date = date '$business_date'),
    stores      as (select * from $stores where business_date = date '$business_date'),
    warehouses  as (select * from $warehouses where business_date = date '$business_date'),
    open_orders as (select * from $open_orders where business_date = date '$business_date'),
    last_night  as (
        select code, subject, first_seen, nights_open, business_date from $last_exceptions
        where business_date = date '$last_exceptions_date'
    ),
    history     as (
        select * from $pos_order_lines
        where business_date >= date '$business_date' - interval '$history_days' day
            and business_date < date '$business_date'
    ),
    -- the date's snapshots and those before
    snapshot_rows as (
        select * from $warehouse_stock
        where business_date = date '$business_date' or business_date = date '$previous_stock_date'
    ),
    -- the date itself and the same weekdays before it
    weekdays    as (
        select * from $pos_order_lines
        where business_date >= date '$business_date' - interval '1' day * (7 * $missing_store_weekdays)
            and business_date <= date '$business_date'
            and date_diff('day', business_date, date '$business_date') % 7 = 0
    ),
    rejected as (
        select * from $rejected_rows
        where business_date = date '$business_date'
            and action = 'reject'
            and (
                table_name = 'staging.pos_order_lines' and run_id = $pos_order_lines_run
                or table_name = 'staging.warehouse_stock' and run_id = $warehouse_stock_run
            )
    ),

    -- a SKU's own window: days without a sale are not in `days_desc`, a rank past its end is a day of zero
    sku_days as (
        select
            sku,
            business_date,
            sum(cast(quantity as decimal(38,0))) as day_qty
        from history
        group by sku, business_date
    ),

    windows as (
        select
            sku,
            array_agg(day_qty order by day_qty desc) as days_desc,
            sum(day_qty) as window_qty
        from sku_days
        group by sku
    ),

    totals as (
        select
            sum(order_line_count) as order_line_count,
            sum(stock_row_count) as stock_row_count,
            count_if(is_planned and hold_reason = 'unreadable_stock_row') as unreadable_hold_count
        from net_demand
    ),

    -- what a warehouse's own row says, an array for each SKU
    stock_problems as (
        select
            stock.sku,
            array_agg(row(
                problem.code, null, stock.warehouse_id, problem.observed_qty, problem.expected_qty, problem.at_risk_qty,
                format('available %s, reserved %s', stock.available_qty, stock.reserved_qty)
            )) as problems
        from stock
        cross join unnest(cast(array[
            if(available_qty < 0, row(
                'negative_stock', available_qty, null,
                -cast(available_qty as decimal(38,0))
            )),
            if(reserved_qty > greatest(available_qty, 0), row(
                'reserved_above_available', reserved_qty, available_qty,
                cast(reserved_qty as decimal(38,0)) - greatest(available_qty, 0)
            ))
        ] as array(row(code varchar, observed_qty bigint, expected_qty bigint, at_risk_qty decimal(38,0)))))
            as problem (code, observed_qty, expected_qty, at_risk_qty)
        where (available_qty < 0 or reserved_qty > available_qty) and problem.code is not null
        group by stock.sku
    ),

    -- what was ordered earlier, by SKU and supplier
    open_lines as (
        select
            sku,
            supplier_id,
            sum(cast(open_qty as decimal(38,0))) as open_qty,
            min(due_date) filter (where open_qty > 0) as due_date,
            array_agg(row(date_diff('day', date '$business_date', due_date), cast(open_qty as decimal(38,0))))
                filter (where open_qty > 0) as arrivals,
            sum(cast(given_up_qty as decimal(38,0))) as given_up_qty,
            min(row(due_date, order_number)) filter (where given_up_qty > 0) as given_up,
            sum(cast(over_received_qty as decimal(38,0))) as over_received_qty,
            min(order_number) filter (where over_received_qty > 0) as over_received_order,
            sum(released_qty) filter (where over_received_qty > 0) as over_released_qty
        from open_orders
        group by sku, supplier_id
    ),

    on_order as (
        select
            sku,
            sum(open_qty) as on_order_qty,
            min(due_date) as next_due_date,
            -- of all suppliers: in how many days each is due (not above zero: any day now), and its units
            cast(flatten(array_agg(arrivals) filter (where arrivals is not null)) as array(row(days bigint, qty decimal(38,0))))
                as arrivals,
            array_agg(if(given_up_qty > 0, row(
                'closed_late', supplier_id, null, try_cast(given_up_qty as bigint), null, given_up_qty,
                format('%s never came and are given up, of order %s, due %s', given_up_qty, given_up[2], given_up[1])
            ))) || array_agg(if(over_received_qty > 0, row(
                'over_received', supplier_id, null, try_cast(over_received_qty as bigint), over_released_qty, over_received_qty,
                format('%s received beyond the %s released, of order %s', over_received_qty, over_released_qty, over_received_order)
            ))) as order_problems
        from open_lines
        group by sku
    ),

    skus as (
        select
            decisions.*,
            net_demand.order_line_count,
            net_demand.stock_row_count,
            net_demand.rejected_stock_row_count,
            net_demand.has_rule,
            net_demand.rule_safety_stock_qty,
            net_demand.snapshot_safety_stock_qty,
            cast(net_demand.demand_qty as decimal(38,0)) as demand_qty,
            cast(net_demand.free_qty as decimal(38,0)) as free_qty,
            cast(net_demand.free_qty as decimal(38,0)) - net_demand.demand_qty as left_qty,
            -- the need by the SKU's own policy
            coalesce(decisions.net_demand_qty > 0, false) as has_need,
            coalesce(windows.window_qty, 0) as window_qty,
            $third_largest_qty as third_largest_qty,
            -- twice the median: the two middle days of the published ones (the same one twice where their number is odd)
            coalesce(element_at(windows.days_desc, greatest(1, ($published_days + 1) / 2)), 0)
                + coalesce(element_at(windows.days_desc, $published_days / 2 + 1), 0) as double_median_qty,
            -- what MOQ, pack and level added and the maximum left of it; packs that fill an order up are explained by themselves
            greatest(0, cast(decisions.after_maximum_qty as decimal(38,0)) - decisions.net_demand_qty) as excess_qty,
            date_diff('day', date '$business_date', decisions.due_date) as due_days,
            totals.order_line_count > 0 as is_open_day,
            on_order.on_order_qty as already_qty,
            on_order.next_due_date,
            on_order.arrivals,
            on_order.order_problems,
            stock_problems.problems
        from decisions
        inner join net_demand on net_demand.sku = decisions.sku
        left join windows on windows.sku = decisions.sku
        left join stock_problems on stock_problems.sku = decisions.sku
        left join on_order on on_order.sku = decisions.sku
        cross join totals
    ),

    -- how much the mean demand lacks when goods come: tonight's order, and before it what is on order. What comes then
    -- comes too late for the days before. Whole numbers by remainder: a division of decimals would round.
    awaited as (
        select
            *,
            if(outcome = 'ordered' and due_days > 0, array_max(transform(
                array[due_days] || transform(
                    filter(coalesce(arrivals, array[]), arrival -> arrival.days > 0 and arrival.days < due_days),
                    arrival -> arrival.days
                ),
                until -> cast(row(
                    (window_qty * until - window_qty * until % greatest($published_days, 1)) / greatest($published_days, 1) - left_qty
                        - reduce(
                            coalesce(arrivals, array[]), cast(0 as decimal(38,0)),
                            (total, arrival) -> if(arrival.days < until, total + arrival.qty, total), total -> total
                        ),
                    -until
                ) as row(lacking_qty decimal(38,0), minus_days bigint))
            ))) as worst
        from skus
    ),

    -- the conditions, by name
    signals as (
        select
            *,
            -- of the day on which most is lacking, the first such
            worst.lacking_qty as lacking_qty,
            -worst.minus_days as lacking_days,
            (window_qty * -worst.minus_days - window_qty * -worst.minus_days % greatest($published_days, 1))
                / greatest($published_days, 1) as mean_until_qty,
            (double_median_qty - double_median_qty % 2) / 2 as median_qty,
            outcome = 'ordered' and excess_qty > 0
                and excess_qty * $published_days >= window_qty * $excess_min_days
                and excess_qty * unit_cost >= $excess_min_cost as is_excess,
            is_planned and $is_spike as is_spike,
            is_planned and demand_qty = 0 and free_qty > 0 and hold_reason is null and is_open_day
                and double_median_qty >= 2 * $drop_min_median_qty
                and $published_days >= $min_history_days as is_drop,
            coalesce(worst.lacking_qty > 0, false) as is_shortage,
            outcome = 'ordered' and order_qty < net_demand_qty as is_cut,
            is_planned and policy_fallback in ('few_days', 'no_next_order_day', 'invalid_lead_time') as is_fallback,
            -- the formula does not know what is on its way; order_up_to has counted it
            outcome = 'ordered' and policy = 'formula' and coalesce(already_qty > 0, false) as is_already_ordered,
            is_planned and (demand_qty > 0 or has_need) as is_wanted,
            coalesce(product_status in ('run_out', 'blocked'), false) and has_need as is_unplanned_need,
            is_planned and rule_safety_stock_qty <> snapshot_safety_stock_qty as is_safety_mismatch
        from awaited
    ),

    noticed as (
        select * from signals
        where outcome in (
                'no_supplier', 'invalid_terms', 'other_currency', 'held', 'overflow', 'unknown_sku', 'above_maximum', 'held_spike'
            )
            or is_cut or is_fallback
            or is_excess or is_spike or is_drop or is_shortage or is_unplanned_need or is_safety_mismatch
            or is_wanted and (passed_over_supplier_id is not null or stock_row_count = 0 or not has_rule)
            or is_already_ordered or problems is not null or order_problems is not null
    ),

    -- one pass over these SKUs, whatever the number of codes; a code that is not raised is NULL in the array
    sku_lines as (
        select
            raised.code,
            noticed.sku,
            raised.supplier_id,
            cast(null as varchar) as store_id,
            raised.warehouse_id,
            cast(null as varchar) as table_name,
            raised.observed_qty,
            raised.expected_qty,
            try_cast(raised.at_risk_qty as bigint) as at_risk_qty,
            -- whole days by remainder: a division of decimals would round
            try_cast(
                (raised.at_risk_qty * $published_days - raised.at_risk_qty * $published_days % nullif(window_qty, 0))
                    / nullif(window_qty, 0) as bigint
            ) as days_at_risk,
            if(noticed.unit_cost >= 0, noticed.unit_cost) as unit_cost,
            noticed.currency,
            raised.message
        from noticed
        cross join unnest(coalesce(problems, array[]) || coalesce(order_problems, array[]) || cast(array[
            if(outcome = 'no_supplier', row(
                'no_supplier', null, null, net_demand_qty, null, net_demand_qty,
                format('%s needed, not ordered: %s', net_demand_qty, case no_supplier_reason
                    when 'not_mapped' then 'no supplier is mapped'
                    when 'not_valid' then 'no mapping is valid on the date'
                    else 'every supplier that is valid on the date is inactive'
                end)
            )),
            if(outcome = 'invalid_terms', row(
                'invalid_terms', supplier_id, null, net_demand_qty, null, net_demand_qty,
                format('%s needed, not ordered from %s: %s', net_demand_qty, supplier_id, invalid_terms)
            )),
            if(outcome = 'other_currency', row(
                'other_currency', supplier_id, null, net_demand_qty, null, after_pack_qty,
                format('%s needed, not ordered: its cost is in %s, the order to %s is in %s',
                    net_demand_qty, currency, supplier_id, order_currency)
            )),
            if(outcome = 'held' and hold_reason = 'rejected_stock_row', row(
                'rejected_stock_row', null, null, rejected_stock_row_count, null, demand_qty,
                format('held: %s rejected stock row(s), %s accepted; demand %s', rejected_stock_row_count, stock_row_count, demand_qty)
            )),
            if(outcome = 'overflow', row(
                'overflow', supplier_id, null, null, null, null,
                format('not ordered, past what a BIGINT holds: %s', overflow)
            )),
            if(outcome = 'above_maximum', row(
                'above_maximum', supplier_id, null, net_demand_qty, max_order_qty, net_demand_qty,
                format('%s needed, not ordered: the maximum of %s leaves no whole pack of %s at or above the MOQ of %s',
                    net_demand_qty, max_order_qty, pack_size, moq)
            )),
            if(is_cut, row(
                'maximum_below_need', supplier_id, null, order_qty, net_demand_qty, cast(net_demand_qty as decimal(38,0)) - order_qty,
                format('%s of the %s needed are ordered: the maximum is %s', order_qty, net_demand_qty, max_order_qty)
            )),
            if(outcome = 'held_spike', row(
                'held_on_spike', supplier_id, null, net_demand_qty, try_cast(after_maximum_qty as bigint), after_maximum_qty,
                format('%s would be ordered and are held: %s units today, the third-largest of the %s days before had %s',
                    after_maximum_qty, demand_qty, $published_days, third_largest_qty)
            )),
            if(is_fallback, row(
                'policy_not_usable', supplier_id, null, null, null, null,
                format('planned by the formula instead of order_up_to: %s', case policy_fallback
                    when 'few_days' then 'too few days of the window on which it was in stock'
                    when 'no_next_order_day' then 'the supplier takes no order within a year'
                    else 'no lead time that can be used'
                end)
            )),
            if(outcome = 'unknown_sku', row(
                'unknown_sku', null, null, try_cast(demand_qty as bigint), null, demand_qty,
                format('in %s order line(s) and %s stock row(s), and no product has it', order_line_count, stock_row_count)
            )),
            if(is_wanted and has_need and passed_over_supplier_id is not null, row(
                'inactive_supplier', passed_over_supplier_id, null, net_demand_qty, null, if(outcome = 'ordered', 0, net_demand_qty),
                format('%s needed, %s is inactive: %s', net_demand_qty, passed_over_supplier_id,
                    coalesce('the next one is ' || supplier_id, 'no other supplier is valid'))
            )),
            if(is_unplanned_need, row(
                'not_planned_need', null, null, net_demand_qty, null, net_demand_qty,
                format('%s needed, not ordered: the product is %s', net_demand_qty, product_status)
            )),
            if(is_wanted and stock_row_count = 0 and hold_reason is null, row(
                'no_stock_record', null, null, try_cast(demand_qty as bigint), net_demand_qty, coalesce(net_demand_qty, demand_qty),
                format('in no snapshot, zero on hand assumed: demand %s, need %s', demand_qty, coalesce(cast(net_demand_qty as varchar), 'not known'))
            )),
            if(is_wanted and not has_rule, row(
                'missing_rule', null, null, net_demand_qty, null, net_demand_qty,
                format('no replenishment rule: MOQ %s from %s, safety stock %s', moq, moq_source, safety_stock_qty)
            )),
            if(is_safety_mismatch, row(
                'safety_stock_mismatch', null, null, rule_safety_stock_qty, snapshot_safety_stock_qty,
                abs(cast(rule_safety_stock_qty as decimal(38,0)) - snapshot_safety_stock_qty),
                format('safety stock %s by the rule, which counts, %s by the snapshots', rule_safety_stock_qty, snapshot_safety_stock_qty)
            )),
            if(is_spike, row(
                'demand_spike', null, null, try_cast(demand_qty as bigint), try_cast(third_largest_qty as bigint),
                demand_qty - third_largest_qty,
                format('%s units, the third-largest of the %s days before had %s', demand_qty, $published_days, third_largest_qty)
            )),
            if(is_drop, row(
                'demand_drop', null, null, 0, try_cast(median_qty as bigint), median_qty,
                format('no unit, though %s are free; the median of the %s days before is %s%s', free_qty, $published_days,
                    median_qty, if(double_median_qty % 2 = 1, '.5', ''))
            )),
            if(is_shortage, row(
                'possible_shortage', supplier_id, null, try_cast(left_qty as bigint),
                try_cast(mean_until_qty as bigint), lacking_qty,
                format('%s %s after today%s, %s due in %s day%s; the mean demand until then is %s', abs(left_qty),
                    if(left_qty < 0, 'missing', 'left'),
                    if(mean_until_qty - left_qty > lacking_qty, format(' and %s on order', mean_until_qty - left_qty - lacking_qty), ''),
                    if(lacking_days = due_days, 'the order is', 'what is on order is'), lacking_days, if(lacking_days = 1, '', 's'),
                    mean_until_qty)
            )),
            if(is_already_ordered, row(
                'already_ordered', supplier_id, null, try_cast(already_qty as bigint), order_qty, least(already_qty, order_qty),
                format('%s ordered tonight, and %s already ordered and not yet received, due %s', order_qty, already_qty, next_due_date)
            )),
            if(is_excess, row(
                'order_excess', supplier_id, null, try_cast(excess_qty as bigint), net_demand_qty, excess_qty,
                format('%s of %s units only because of %s: %s', excess_qty, order_qty,
                    case
                        when level_excess_qty > 0 and after_maximum_qty = after_level_qty then case
                            when moq_excess_qty > 0 and pack_excess_qty > 0 then 'MOQ, pack and level'
                            when moq_excess_qty > 0 then 'MOQ and level'
                            when pack_excess_qty > 0 then 'pack and level'
                            else 'the level'
                        end
                        when moq_excess_qty > 0 and pack_excess_qty > 0 then 'MOQ and pack'
                        when moq_excess_qty > 0 then 'the MOQ'
                        else 'the pack'
                    end,
                    coalesce(
                        cast((excess_qty * $published_days - excess_qty * $published_days % nullif(window_qty, 0))
                            / nullif(window_qty, 0) as varchar) || ' days of cover',
                        'no demand in the window to use them up'
                    ))
            ))
        ] as array(row(
            code varchar, supplier_id varchar, warehouse_id varchar, observed_qty bigint, expected_qty bigint,
            at_risk_qty decimal(38,0), message varchar
        )))) as raised (code, supplier_id, warehouse_id, observed_qty, expected_qty, at_risk_qty, message)
        where raised.code is not null
    ),

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

    rejected_lines as (
        select
            raised.*,
            unknown_sku as sku,
            coalesce(table_name, 'rejected rows') as table_name,
            rejected_count
        from rejected_groups
        cross join totals
        cross join unnest(cast(array[
            if(table_name is not null and unreadable_count > 0 and unreadable_hold_count > 0, row(
                'rejected_stock_row', unreadable_count, unreadable_hold_count,
                format('%s rejected stock row(s) name no SKU: %s SKUs without a stock record are held', unreadable_count, unreadable_hold_count)
            )),
            -- the part of a thousand is of the rows read: those that were rejected and those that were not
            if(table_name is not null and rejected_count * (1000 - $rejected_notice_permille) > $rejected_notice_permille
                * if(table_name = 'staging.pos_order_lines', totals.order_line_count, totals.stock_row_count), row(
                'rejected_rows', rejected_count,
                rejected_count + if(table_name = 'staging.pos_order_lines', totals.order_line_count, totals.stock_row_count),
                format('%s of %s rows rejected, in %s file(s), the first is %s', rejected_count,
                    rejected_count + if(table_name = 'staging.pos_order_lines', totals.order_line_count, totals.stock_row_count),
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
                count_if(business_date = date '$business_date') as stock_row_count,
                count_if(business_date < date '$business_date') as before_row_count,
                sum(if(business_date = date '$business_date', cast(available_qty as decimal(38,0)))) as available_qty,
                sum(if(business_date < date '$business_date', cast(available_qty as decimal(38,0)))) as before_qty
            from snapshot_rows
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
