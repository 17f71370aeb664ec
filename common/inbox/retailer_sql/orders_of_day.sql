-- common/inbox/retailer_sql/orders_of_day.sql
-- Purpose   The real lines of one business date as the stores would send them
-- Grain     order_id, line_no
-- Real      all but line_no: the place of the product in its basket by number, for the baskets have no order of their own.
--           The price of a unit is what was paid for the line divided by its quantity (see _views.sql).
select
    store_id,
    cast(basket_id as varchar) as order_id,
    strftime(ordered_at, '%Y-%m-%dT%H:%M:%S') as ordered_at,
    row_number() over (partition by basket_id order by product_id) as line_no,
    sku,
    quantity,
    unit_price_cents // 100 || '.' || lpad(cast(unit_price_cents % 100 as varchar), 2, '0') as unit_price
from order_lines
where business_date = cast($day as date)
order by store_id, ordered_at, order_id, line_no
