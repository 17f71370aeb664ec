-- sql/staging/replenishment_rules/checks.sql
-- Purpose   Audits of the staged table before it is published; each query returns the offending rows.
-- Usage     run by the engine over the private directory; $replenishment_rules stands for it.

-- check: the key names one row: sku
select sku, count(*) as copies
from $replenishment_rules
group by sku
having count(*) > 1
