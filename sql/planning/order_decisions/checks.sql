-- sql/planning/order_decisions/checks.sql: each query returns the rows that break its sentence; none may be published.

-- check: every SKU of net_demand has exactly one decision, and no other has one
select coalesce(needed.sku, decided.sku) as sku
from (select sku from $net_demand where business_date = date '$business_date') as needed
full outer join (
    select sku, count(*) as decisions from $order_decisions where business_date = date '$business_date' group by sku
) as decided on decided.sku = needed.sku
where needed.sku is null or decided.sku is null or decided.decisions <> 1;

-- check: every decision keeps the rules; `broken` is the one that it does not keep
select sku, broken, outcome, order_qty
from (
    select
        *,
        case
            when outcome not in (
                'ordered', 'enough_stock', 'not_planned', 'held', 'no_supplier', 'invalid_terms', 'other_currency', 'overflow',
                'unknown_sku', 'no_order_day', 'above_maximum', 'held_spike', 'below_supplier_minimum'
            ) then 'every outcome is one of the closed list'
            when outcome <> 'ordered' and (
                order_qty <> 0 or packs <> 0 or line_cost is not null or due_date is not null or bound_by is not null
            ) then 'without an order there is no quantity, no cost and no date'
            when outcome = 'ordered' and not coalesce(is_planned and product_status = 'active' and net_demand_qty is not null, false)
                then 'what is not planned, held or without a need is not ordered'
            when outcome = 'ordered' and not coalesce(
                order_qty % pack_size = 0
                and packs = order_qty / pack_size
                and order_qty >= moq
                and order_qty = after_fill_qty
                and supplier_id is not null
                and due_date >= date '$business_date'
                and line_cost = order_qty * unit_cost,
                false
            )
                then 'an order is whole packs, at or above the MOQ, with a supplier, a date and its cost'
            when outcome = 'ordered' and not coalesce(net_demand_qty > 0, false) and bound_by <> 'fill'
                then 'an order has a need, or fills one up'
            when outcome = 'ordered' and net_demand_qty > 0 and not coalesce(
                after_pack_qty % pack_size = 0
                and after_pack_qty >= greatest(moq, net_demand_qty)
                and after_pack_qty - pack_size < greatest(moq, net_demand_qty)
                and after_level_qty >= after_pack_qty
                and after_maximum_qty <= after_level_qty
                and after_fill_qty >= after_maximum_qty,
                false
            )
                then 'the pack step is at or above the MOQ and the need, and less than a pack above both; levels and fills only add'
            when outcome = 'ordered' and order_qty > max_order_qty
                then 'an order never passes its maximum'
            when outcome = 'ordered' and not coalesce(
                order_qty = net_demand_qty + moq_excess_qty + pack_excess_qty + level_excess_qty + maximum_excess_qty + fill_excess_qty,
                false
            )
                then 'the steps add up to the order'
        end as broken
    from $order_decisions
    where business_date = date '$business_date'
)
where broken is not null;
