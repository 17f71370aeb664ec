-- sql/staging/suppliers/checks.sql
-- Purpose   Audits of the staged table before it is published; each query returns the offending rows.
-- Usage     run by the engine over the private directory; $suppliers stands for it.

-- check: the key names one row: supplier_id
select supplier_id, count(*) as copies
from $suppliers
group by supplier_id
having count(*) > 1
