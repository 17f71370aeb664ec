-- sql/planning/exceptions/2_sku_lines.sql
-- The exceptions of SKUs: each code by its condition.

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
