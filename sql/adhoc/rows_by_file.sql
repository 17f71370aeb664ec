-- sql/adhoc/rows_by_file.sql
-- Purpose     How many order lines of each raw file were accepted on a business date, and what they sum up to.
-- Grain       source_file
-- Reads       hive.staging.pos_order_lines
-- Parameters  business_date, limit=500
-- Usage       ./submit.sh adhoc rows_by_file 2017-12-23

select source_file, min(store_id) as store_id, count(distinct order_id) as orders, count(*) as order_lines,
    sum(quantity) as quantity, sum(quantity * unit_price) as retail_value
from hive.staging.pos_order_lines
where business_date = date '$business_date'
group by source_file
order by source_file
limit $limit
