-- sql/adhoc/top_skus.sql
-- Purpose     The SKUs that stores ordered most of on a business date, and how they stand.
-- Grain       sku
-- Reads       hive.staging.pos_order_lines, hive.staging.products, hive.planning.order_decisions
-- Parameters  business_date, limit=20
-- Usage       ./submit.sh adhoc top_skus 2017-12-23 limit=10

with
    demand as (
        select sku, sum(quantity) as demand_qty, count(*) as order_lines, count(distinct store_id) as stores
        from hive.staging.pos_order_lines
        where business_date = date '$business_date'
        group by sku
    ),

    products as (select * from hive.staging.products where business_date = date '$business_date'),
    decisions as (select * from hive.planning.order_decisions where business_date = date '$business_date')

select
    demand.sku, products.name, demand.demand_qty, demand.order_lines, demand.stores,
    decisions.position_qty, decisions.outcome, decisions.supplier_id, decisions.order_qty
from demand
left join products on products.sku = demand.sku
left join decisions on decisions.sku = demand.sku
order by demand.demand_qty desc, demand.sku
limit $limit
