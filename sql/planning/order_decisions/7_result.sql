-- sql/planning/order_decisions/7_result.sql
-- Every SKU with each step of its decision.

select
    sku,
    product_name,
    product_status,
    is_planned,
    cast(policy as varchar) as policy,
    cast(policy_source as varchar) as policy_source,
    policy_fallback,
    cast(outcome as varchar) as outcome,
    cast(if(is_spike_held, 'demand_spike', hold_reason) as varchar) as hold_reason,
    supplier_id,
    supplier_name,
    cast(supplier_priority as integer) as supplier_priority,
    cast(no_supplier_reason as varchar) as no_supplier_reason,
    passed_over_supplier_id,
    cast(pack_size as bigint) as pack_size,
    cast(pack_size_source as varchar) as pack_size_source,
    cast(moq as bigint) as moq,
    cast(moq_source as varchar) as moq_source,
    -- when on: maximum
    cast(max_order_qty as bigint) as max_order_qty,
    -- when off: maximum
    cast(null as bigint) as max_order_qty,
    -- end
    cast(unit_cost as decimal(12,2)) as unit_cost,
    currency,
    order_currency,
    cast(lead_time_days as integer) as lead_time_days,
    cast(lead_time_source as varchar) as lead_time_source,
    coalesce(cast(lead_time_unit as varchar), '$lead_time') as lead_time_unit,
    invalid_terms,
    is_order_day,
    next_order_date,
    -- requirement, plus safety stock, less position: the need
    if(policy = 'order_up_to', cast(horizon_days as integer)) as horizon_days,
    try_cast(window_demand_qty as bigint) as window_demand_qty,
    window_days,
    try_cast(on_order_qty as bigint) as on_order_qty,
    try_cast(requirement_qty as bigint) as requirement_qty,
    safety_stock_qty,
    free_qty as position_qty,
    try_cast(need_qty as bigint) as net_demand_qty,
    -- each step's quantity, and what it added; a line that only fills an order up begins with that
    if(is_filler, 0, try_cast(after_moq_qty as bigint)) as after_moq_qty,
    if(is_filler, 0, try_cast(after_moq_qty - need_qty as bigint)) as moq_excess_qty,
    if(is_filler, 0, try_cast(after_pack_qty as bigint)) as after_pack_qty,
    if(is_filler, 0, try_cast(after_pack_qty - after_moq_qty as bigint)) as pack_excess_qty,
    if(is_filler, 0, try_cast(after_level_qty as bigint)) as after_level_qty,
    if(is_filler, 0, try_cast(after_level_qty - after_pack_qty as bigint)) as level_excess_qty,
    if(is_filler, 0, try_cast(after_maximum_qty as bigint)) as after_maximum_qty,
    if(is_filler, 0, try_cast(after_maximum_qty - after_level_qty as bigint)) as maximum_excess_qty,
    try_cast(after_fill_qty as bigint) as after_fill_qty,
    try_cast(after_fill_qty - if(is_filler, 0, after_maximum_qty) as bigint) as fill_excess_qty,
    fill_note,
    minimum_status,
    cast(
        case
            when outcome <> 'ordered' then null
            when is_filler or after_fill_qty > after_maximum_qty then 'fill'
            when after_maximum_qty < after_level_qty then 'maximum'
            when after_level_qty > after_pack_qty then 'level'
            when after_pack_qty > after_moq_qty then 'pack'
            when after_moq_qty > need_qty then 'moq'
            else 'need'
        end as varchar
    ) as bound_by,
    if(outcome = 'ordered', cast(after_fill_qty as bigint), 0) as order_qty,
    if(outcome = 'ordered', cast(after_fill_qty as bigint) / pack_size, 0) as packs,
    if(outcome = 'ordered', cast(cast(after_fill_qty as bigint) * unit_cost as decimal(38,2))) as line_cost,
    if(outcome = 'ordered', planned_due_date) as due_date,
    case
        when outcome <> 'overflow' then null
        when overflow is not null then overflow
        when after_level_qty is null then format('need %s', need_qty)
        else format('need %s, MOQ %s, pack size %s: order %s', need_qty, moq, pack_size, after_level_qty)
    end as overflow
from settled
