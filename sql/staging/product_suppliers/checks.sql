-- sql/staging/product_suppliers/checks.sql
-- Purpose   Audits of the staged table before it is published; each query returns the offending rows.
-- Usage     run by the engine over the private directory; $product_suppliers stands for it.

-- check: the key names one row: sku, supplier_id, valid_from
select sku, supplier_id, valid_from, count(*) as copies
from $product_suppliers
group by sku, supplier_id, valid_from
having count(*) > 1
