-- sql/staging/stores/checks.sql
-- Purpose   Audits of the staged table before it is published; each query returns the offending rows.
-- Usage     run by the engine over the private directory; $stores stands for it.

-- check: the key names one row: store_id
select store_id, count(*) as copies
from $stores
group by store_id
having count(*) > 1
