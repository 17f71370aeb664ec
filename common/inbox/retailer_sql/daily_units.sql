-- common/inbox/retailer_sql/daily_units.sql
-- Purpose   What each active SKU sold on each business date, as staging would accept it: no returns, no unknown products
-- Grain     sku, business_date
-- Real      all but the status
select
    sku,
    business_date,
    cast(sum(quantity) as bigint) as day_qty
from order_lines
where quantity > 0
    and sku in (select sku from ($products) where status = 'active')
group by sku, business_date
order by sku, business_date
