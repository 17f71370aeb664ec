-- sql/adhoc/why_ordered.sql
-- Purpose     Why a SKU was ordered or not: every step from demand to order, one line a step; the changes add up to the order.
-- Grain       step
-- Reads       hive.planning.net_demand, hive.planning.order_decisions
-- Parameters  business_date, sku
-- Usage       ./submit.sh adhoc why_ordered 2017-12-23 sku=1029743

with
    need as (select * from hive.planning.net_demand where business_date = date '$business_date' and sku = '$sku'),
    decision as (select * from hive.planning.order_decisions where business_date = date '$business_date' and sku = '$sku')

select step, what, change, quantity, remark
from need
join decision on decision.sku = need.sku
cross join unnest(array[
    row(1, 'requirement', cast(decision.requirement_qty as decimal(38,0)), null, if(
        decision.policy = 'order_up_to',
        format('%s units on %s days of the window, for %s days', decision.window_demand_qty, decision.window_days, decision.horizon_days),
        format('%s order lines of the date', need.order_line_count)
    )),
    row(2, '+ safety stock', need.safety_stock_qty, null, concat('from ', need.safety_stock_source)),
    row(3, '- available', -cast(need.available_qty as decimal(38,0)), null, format('%s stock rows', need.stock_row_count)),
    row(4, '+ reserved', need.reserved_qty, null, 'older commitments'),
    row(5, '- on order', -cast(decision.on_order_qty as decimal(38,0)), null, concat('policy ', decision.policy)),
    -- the need is never below zero; that of a held SKU is not known
    row(6, '+ not needed', coalesce(decision.net_demand_qty, 0) - (
        cast(decision.requirement_qty as decimal(38,0)) + need.safety_stock_qty - need.available_qty + need.reserved_qty
            - coalesce(decision.on_order_qty, 0)
    ), null, if(decision.net_demand_qty is null, 'the need is not known', 'more is there than is required')),
    row(7, '= need', null, decision.net_demand_qty, concat('not known: ', coalesce(need.hold_reason, need.overflow))),
    row(8, '+ MOQ', decision.moq_excess_qty, decision.after_moq_qty,
        format('MOQ %s of %s', coalesce(cast(decision.moq as varchar), 'unknown'), decision.moq_source)),
    row(9, '+ pack', decision.pack_excess_qty, decision.after_pack_qty,
        concat('packs of ', coalesce(cast(decision.pack_size as varchar), 'unknown'))),
    row(10, '+ pack level', decision.level_excess_qty, decision.after_level_qty, 'case, layer or pallet'),
    row(11, '+ maximum', decision.maximum_excess_qty, decision.after_maximum_qty,
        concat('maximum ', coalesce(cast(decision.max_order_qty as varchar), 'none'))),
    row(12, '+ supplier minimum', decision.fill_excess_qty, decision.after_fill_qty,
        coalesce(decision.fill_note, decision.minimum_status)),
    row(13, '- not ordered', decision.order_qty - cast(coalesce(
        decision.after_fill_qty, decision.after_maximum_qty, decision.after_level_qty, decision.after_pack_qty,
        decision.after_moq_qty, decision.net_demand_qty, 0
    ) as decimal(38,0)), null, if(decision.outcome <> 'ordered', concat_ws(': ', decision.outcome, decision.hold_reason))),
    row(14, '= order', null, decision.order_qty, concat(decision.outcome, coalesce(concat(', supplier ', decision.supplier_id), '')))
]) as steps (step, what, change, quantity, remark)
order by step
