-- sql/planning/order_decisions/4_requirement.sql
-- What is needed until then: the net demand of the date, or the level that covers the days to come, less what is on order.

    -- step: requirement, plus safety stock, less position (and what is on order)
    -- when on: order_up_to
    -- the days that count: the SKU in stock and a store open; a spike counts as much as the largest day that is none
    open_days as (select distinct business_date from history),
    stocked_days as (
        select stock_history.sku, stock_history.business_date
        from stock_history
        inner join open_days on open_days.business_date = stock_history.business_date
        group by stock_history.sku, stock_history.business_date
        having sum(cast(available_qty as decimal(38,0)) - cast(reserved_qty as decimal(38,0))) > 0
    ),
    counted_days as (
        select
            stocked_days.sku,
            count(*) as window_days,
            sum(coalesce(least(
                sku_days.day_qty,
                greatest(cast($spike_min_qty as decimal(38,0)), $spike_factor * $third_largest_qty)
            ), 0)) as window_demand_qty
        from stocked_days
        left join sku_days on sku_days.sku = stocked_days.sku and sku_days.business_date = stocked_days.business_date
        left join windows on windows.sku = stocked_days.sku
        group by stocked_days.sku
    ),
    on_order as (
        select sku, sum(cast(open_qty as decimal(38,0))) as on_order_qty
        from open_orders
        where not is_closed
        group by sku
    ),
    asked as (
        select
            dated.*,
            case
                when dated.asked_policy <> 'order_up_to' then null
                when dated.supplier_id is null then 'no_supplier'
                when dated.planned_due_date is null then 'invalid_lead_time'
                when dated.horizon_days is null then 'no_next_order_day'
                -- of no day at all there is no demand a day, whatever the setting
                when coalesce(counted_days.window_days, 0) < greatest($min_history_days, 1) then 'few_days'
            end as policy_fallback,
            counted_days.window_days as counted_day_count,
            counted_days.window_demand_qty as counted_qty,
            coalesce(on_order.on_order_qty, 0) as open_qty
        from dated
        left join counted_days on counted_days.sku = dated.sku
        left join on_order on on_order.sku = dated.sku
    ),
    decided_policy as (
        select *, asked_policy = 'order_up_to' and policy_fallback is null as is_order_up_to
        from asked
    ),
    required as (
        select
            *,
            if(is_order_up_to, 'order_up_to', 'formula') as policy,
            asked_policy_source as policy_source,
            if(is_order_up_to, counted_qty) as window_demand_qty,
            if(is_order_up_to, counted_day_count) as window_days,
            if(is_order_up_to, open_qty) as on_order_qty,
            -- multiplied first, rounded up once, by remainder: a division of decimals would round
            if(
                is_order_up_to,
                (counted_qty * horizon_days + (counted_day_count - counted_qty * horizon_days % counted_day_count) % counted_day_count)
                    / counted_day_count,
                cast(demand_qty as decimal(38,0))
            ) as requirement_qty
        from decided_policy
    ),
    needed as (
        select
            *,
            case
                when hold_reason is not null or overflow is not null then null
                when not is_order_up_to then cast(formula_need_qty as decimal(38,0))
                else greatest(0, requirement_qty + safety_stock_qty - free_qty - on_order_qty)
            end as need_qty
        from required
    ),
    -- when off: order_up_to
    needed as (
        select
            *,
            'formula' as policy,
            'default' as policy_source,
            cast(null as varchar) as policy_fallback,
            cast(null as decimal(38,0)) as window_demand_qty,
            cast(null as bigint) as window_days,
            cast(null as decimal(38,0)) as on_order_qty,
            cast(demand_qty as decimal(38,0)) as requirement_qty,
            cast(formula_need_qty as decimal(38,0)) as need_qty
        from dated
    ),
    -- end
