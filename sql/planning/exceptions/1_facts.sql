-- sql/planning/exceptions/1_facts.sql
-- Purpose   What a planner must look at: one line each, with the numbers, what is at risk and what to do about it.
-- Grain     code, subject
-- Reads     planning.net_demand, planning.order_decisions, planning.open_orders (not every date has it), staging.pos_order_lines (the date and the window before it),
--           staging.warehouse_stock (the date and each warehouse's snapshot before it), staging.stores, staging.warehouses,
--           staging.suppliers (where a supplier minimum counts),
--           staging.receipts (not every date has them; counted), audit.rejected_rows (of the runs that published the
--           orders, the stock and the receipts), codes.yml, spike_rule.sql, and
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
    -- the date's snapshots and those before, of as many dates as it takes to have one of each warehouse
    snapshot_rows as (
        select * from $warehouse_stock
        where business_date = date '$business_date' or business_date in ($previous_stock_dates)
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
                or table_name = 'staging.receipts' and run_id = $receipts_run
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
