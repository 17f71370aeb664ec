-- sql/adhoc/orders_by_supplier.sql
-- Purpose     What is ordered from whom on a business date: lines, units, cost, and how much only because of MOQ and pack.
-- Grain       supplier_id
-- Reads       hive.planning.order_decisions
-- Parameters  business_date, limit=50
-- Usage       ./submit.sh adhoc orders_by_supplier 2017-12-23

select
    supplier_id,
    min(supplier_name) as supplier_name,
    count(*) as order_lines,
    sum(cast(order_qty as decimal(38, 0))) as order_qty,
    sum(cast(moq_excess_qty + pack_excess_qty as decimal(38, 0))) as excess_qty,
    sum(line_cost) as cost,
    min(order_currency) as currency,
    max(due_date) as last_due_date
from hive.planning.order_decisions
where business_date = date '$business_date' and outcome = 'ordered'
group by supplier_id
order by cost desc, supplier_id
limit $limit
