-- sql/adhoc/outcomes.sql
-- Purpose     What became of every SKU of a business date: one outcome code each, counted.
-- Grain       outcome, product_status
-- Reads       hive.planning.order_decisions
-- Parameters  business_date
-- Usage       ./submit.sh adhoc outcomes 2017-12-23

select
    outcome, product_status, count(*) as skus, count_if(requirement_qty > 0) as skus_with_demand,
    sum(cast(net_demand_qty as decimal(38, 0))) as net_demand_qty, sum(line_cost) as cost
from hive.planning.order_decisions
where business_date = date '$business_date'
group by outcome, product_status
order by skus desc, outcome, product_status
