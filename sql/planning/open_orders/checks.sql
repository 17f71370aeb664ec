-- sql/planning/open_orders/checks.sql
-- Purpose   Audits of the open orders before they are published; each query returns the offending rows.
-- Usage     run by the engine over the private directory; $open_orders stands for it.

-- check: an order has a SKU once
select order_number, sku, count(*) as copies
from $open_orders
group by order_number, sku
having count(*) > 1

-- check: released and over-received units are received, cancelled, open or given up: none is lost
select *
from $open_orders
where released_qty + over_received_qty <> received_qty + cancelled_qty + open_qty + given_up_qty

-- check: a closed line has nothing open and says why, an open one has something open and says nothing
select *
from $open_orders
where is_closed <> (closed_reason is not null) or is_closed <> (open_qty = 0)

-- check: only orders of earlier dates are here
select *
from $open_orders
where order_date >= date '$business_date' or least(released_qty, received_qty, cancelled_qty, open_qty, given_up_qty) < 0
