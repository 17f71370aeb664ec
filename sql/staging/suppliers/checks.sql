-- sql/staging/suppliers/checks.sql
-- Purpose   Audits of the staged table before it is published; each query returns the offending rows.
-- Usage     run by the engine over the private directory; $suppliers stands for it.

-- check: no two suppliers have ids that differ in case alone, which some file systems would make one order file
select translate(supplier_id, 'ABCDEFGHIJKLMNOPQRSTUVWXYZ', 'abcdefghijklmnopqrstuvwxyz') as folded, array_agg(supplier_id) as ids
from $suppliers
group by 1
having count(*) > 1

-- check: a supplier id, percent-encoded, fits into a file name of 255 bytes
select supplier_id
from $suppliers
where length(to_utf8(supplier_id)) + 2 * length(to_utf8(regexp_replace(supplier_id, '[A-Za-z0-9._-]', ''))) > 248
