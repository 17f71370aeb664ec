-- sql/planning/purchase_order_lines/checks.sql: each query returns the rows that break its sentence; none may be published.

-- check: every line has its own number and every SKU one line
select order_number, line_no from $purchase_order_lines where business_date = date '$business_date'
group by order_number, line_no having count(*) > 1
union all
select sku, count(*) from $purchase_order_lines where business_date = date '$business_date'
group by sku having count(*) > 1;

-- check: the lines of an order are numbered from 1 without a gap
select order_number, max(line_no)
from $purchase_order_lines
where business_date = date '$business_date'
group by order_number
having min(line_no) <> 1 or max(line_no) <> count(*);

-- check: the lines are the decisions to order, to the unit and the cent
select coalesce(lines.sku, decisions.sku) as sku
from (select * from $purchase_order_lines where business_date = date '$business_date') as lines
full outer join (
    select * from $order_decisions where business_date = date '$business_date' and outcome = 'ordered'
) as decisions on decisions.sku = lines.sku
where lines.sku is null
    or decisions.sku is null
    or row(lines.supplier_id, lines.order_qty, lines.packs, lines.pack_size, lines.unit_cost, lines.line_cost)
    <> row(decisions.supplier_id, decisions.order_qty, decisions.packs, decisions.pack_size, decisions.unit_cost, decisions.line_cost);

-- check: an order has one supplier and one currency
select order_number
from $purchase_order_lines
where business_date = date '$business_date'
group by order_number
having count(distinct supplier_id) > 1 or count(distinct currency) > 1;
