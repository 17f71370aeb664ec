-- sql/adhoc/why_ordered.sql
-- Purpose     Why a SKU was ordered or not: every step from demand to packs, one line a step.
-- Grain       step
-- Reads       hive.planning.net_demand, hive.planning.order_decisions
-- Parameters  business_date, sku
-- Usage       ./submit.sh adhoc why_ordered 2017-12-23 sku=1029743

with
    need as (select * from hive.planning.net_demand where business_date = date '$business_date' and sku = '$sku'),
    decision as (select * from hive.planning.order_decisions where business_date = date '$business_date' and sku = '$sku')

select step, what, quantity, remark
from need
join decision on decision.sku = need.sku
cross join unnest(array[
    row(1, 'demand', need.demand_qty, concat(cast(need.order_line_count as varchar), ' order lines')),
    row(2, '+ safety stock', need.safety_stock_qty, concat('from ', need.safety_stock_source)),
    row(3, '- available', need.available_qty, concat(cast(need.stock_row_count as varchar), ' warehouses')),
    row(4, '+ reserved', need.reserved_qty, 'older commitments'),
    row(5, '= net demand', need.net_demand_qty, coalesce(concat('held: ', need.hold_reason), '')),
    row(6, '+ MOQ', decision.moq_excess_qty, concat('MOQ ', coalesce(cast(decision.moq as varchar), 'unknown'), ' of ', decision.moq_source)),
    row(7, '+ pack', decision.pack_excess_qty, concat('packs of ', coalesce(cast(decision.pack_size as varchar), 'unknown'))),
    row(8, '= order', decision.order_qty, concat(decision.outcome, coalesce(concat(', supplier ', decision.supplier_id), '')))
]) as steps (step, what, quantity, remark)
order by step
