-- sql/planning/exceptions/checks.sql: each query returns the rows that break its sentence; none may be published.

-- check: one line a code and subject
select code, subject from $exceptions where business_date = date '$business_date' group by code, subject having count(*) > 1;

-- check: every line has a code of the closed list, with its severity and what to do
select code, subject
from $exceptions
where business_date = date '$business_date'
    and (severity is null or severity not in ('error', 'warning', 'notice') or action is null or subject = '' or message is null);

-- check: every SKU with a need that is not ordered has an error or a warning that says so
select decisions.sku, decisions.outcome
from $order_decisions as decisions
left join (
    select distinct sku from $exceptions where business_date = date '$business_date' and severity in ('error', 'warning')
) as raised on raised.sku = decisions.sku
where decisions.business_date = date '$business_date'
    and raised.sku is null
    and (
        decisions.outcome in ('no_supplier', 'invalid_terms', 'other_currency', 'overflow', 'unknown_sku', 'above_maximum', 'held_spike')
        or decisions.outcome = 'not_planned' and decisions.product_status in ('run_out', 'blocked') and decisions.net_demand_qty > 0
    );

-- check: every supplier whose lines wait for an order day or for its minimum has a line that says so
select decisions.supplier_id, decisions.outcome
from $order_decisions as decisions
left join (
    select distinct supplier_id, code from $exceptions where business_date = date '$business_date'
) as raised
    on raised.supplier_id = decisions.supplier_id
    and (
        decisions.outcome = 'no_order_day' and raised.code in ('no_order_day', 'no_next_order_day')
        or decisions.outcome = 'below_supplier_minimum' and raised.code = 'held_below_minimum'
    )
where decisions.business_date = date '$business_date'
    and raised.supplier_id is null
    and decisions.outcome in ('no_order_day', 'below_supplier_minimum');
