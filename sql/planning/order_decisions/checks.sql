-- sql/planning/order_decisions/checks.sql: each query returns the rows that break its sentence; none may be published.

-- check: every SKU of net_demand has exactly one decision, and no other has one
select coalesce(needed.sku, decided.sku) as sku
from (select sku from $net_demand where business_date = date '$business_date') as needed
full outer join (
    select sku, count(*) as decisions from $order_decisions where business_date = date '$business_date' group by sku
) as decided on decided.sku = needed.sku
where needed.sku is null or decided.sku is null or decided.decisions <> 1;

-- check: every outcome is one of the closed list
select sku, outcome
from $order_decisions
where business_date = date '$business_date'
    and outcome not in (
        'ordered', 'enough_stock', 'not_planned', 'held', 'no_supplier', 'invalid_terms', 'other_currency', 'overflow',
        'unknown_sku'
    );

-- check: an order has a need, is a whole number of packs, at or above the MOQ and the need, and less than a pack above both
select sku, order_qty
from $order_decisions
where business_date = date '$business_date'
    and outcome = 'ordered'
    and not coalesce(
        net_demand_qty > 0
        and order_qty % pack_size = 0
        and packs = order_qty / pack_size
        and order_qty >= moq
        and order_qty >= net_demand_qty
        and order_qty - pack_size < greatest(moq, net_demand_qty)
        and supplier_id is not null
        and due_date >= date '$business_date'
        and line_cost = order_qty * unit_cost,
        false
    );

-- check: the steps add up to the order
select sku, order_qty
from $order_decisions
where business_date = date '$business_date'
    and outcome = 'ordered'
    and order_qty <> net_demand_qty + moq_excess_qty + pack_excess_qty;

-- check: without an order there is no quantity, no cost and no date
select sku, outcome, order_qty
from $order_decisions
where business_date = date '$business_date'
    and outcome <> 'ordered'
    and (order_qty <> 0 or packs <> 0 or line_cost is not null or due_date is not null or bound_by is not null);

-- check: what is not planned, held or without a need is not ordered
select sku, outcome
from $order_decisions
where business_date = date '$business_date'
    and outcome = 'ordered'
    and (not is_planned or coalesce(product_status, '') <> 'active' or net_demand_qty is null);
