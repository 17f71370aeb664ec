-- sql/adhoc/demand_of_sku.sql
-- Purpose     What stores ordered of one SKU on the days before a business date and on it.
-- Grain       business_date
-- Reads       hive.staging.pos_order_lines
-- Parameters  business_date, sku, days=28
-- Usage       ./submit.sh adhoc demand_of_sku 2017-12-23 sku=1029743

select business_date, sum(quantity) as demand_qty, count(*) as order_lines, count(distinct store_id) as stores
from hive.staging.pos_order_lines
where business_date between date '$business_date' - interval '$days' day and date '$business_date' and sku = '$sku'
group by business_date
order by business_date
