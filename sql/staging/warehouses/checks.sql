-- sql/staging/warehouses/checks.sql
-- Purpose   Audits of the staged table before it is published; each query returns the offending rows.
-- Usage     run by the engine over the private directory; $warehouses stands for it.

-- check: the key names one row: warehouse_id
select warehouse_id, count(*) as copies
from $warehouses
group by warehouse_id
having count(*) > 1
