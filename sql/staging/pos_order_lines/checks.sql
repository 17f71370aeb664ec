-- sql/staging/pos_order_lines/checks.sql
-- Purpose   Audits of the staged order lines before they are published; each query returns the offending rows.
-- Usage     run by the engine over the private directory; $pos_order_lines stands for it.

-- check: every order line has a positive quantity, a price that is not negative, and its source
select order_id, line_no, quantity, unit_price, source_file, source_line
from $pos_order_lines
where not coalesce(order_id <> '' and line_no >= 1 and store_id <> '' and sku <> '' and quantity >= 1
    and unit_price >= 0 and ordered_at is not null and source_file <> '' and source_line >= 1, false)
