-- sql/planning/purchase_order_lines/checks.sql: each query returns the rows that break its sentence; none may be published.

-- check: an order has one supplier and one currency, a SKU once, and its lines are numbered from 1 without a gap
select order_number, count(*) as lines
from $purchase_order_lines
where business_date = date '$business_date'
group by order_number
having min(line_no) <> 1
    or max(line_no) <> count(*)
    or cardinality(array_distinct(array_agg(line_no))) <> count(*)
    or cardinality(array_distinct(array_agg(sku))) <> count(*)
    or min(supplier_id) <> max(supplier_id)
    or min(currency) <> max(currency);

-- check: the lines are the decisions to order, to the unit and the cent
select coalesce(lines.sku, decisions.sku) as sku
from (select * from $purchase_order_lines where business_date = date '$business_date') as lines
full outer join (
    select * from $order_decisions where business_date = date '$business_date' and outcome = 'ordered'
) as decisions on decisions.sku = lines.sku
where lines.sku is null
    or decisions.sku is null
    or lines.order_number <> date_format(date '$business_date', '%Y%m%d') || '-' || decisions.supplier_id
    or row(lines.supplier_id, lines.order_qty, lines.packs, lines.pack_size, lines.unit_cost, lines.line_cost)
    <> row(decisions.supplier_id, decisions.order_qty, decisions.packs, decisions.pack_size, decisions.unit_cost, decisions.line_cost);
