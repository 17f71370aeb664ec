-- sql/staging/warehouse_stock/checks.sql
-- Purpose   Audits of the staged stock before it is published; each query returns the offending rows.
-- Usage     run by the engine over the private directory; $warehouse_stock stands for it.

-- check: a warehouse has one row a SKU
select warehouse_id, sku, count(*) as copies
from $warehouse_stock
group by warehouse_id, sku
having count(*) > 1

-- check: every stock row has its figures and its source
select warehouse_id, sku, available_qty, reserved_qty, safety_stock_qty, source_file, source_line
from $warehouse_stock
where not coalesce(warehouse_id <> '' and sku <> '' and available_qty is not null and reserved_qty >= 0
    and coalesce(safety_stock_qty, 0) >= 0 and source_file <> '' and source_line >= 1, false)
