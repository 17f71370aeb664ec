-- sql/staging/calendar_days/checks.sql
-- Purpose   Audits of the staged table before it is published; each query returns the offending rows.
-- Usage     run by the engine over the private directory; $calendar_days stands for it.

-- check: the key names one row: party_kind, party_id, day
select party_kind, party_id, day, count(*) as copies
from $calendar_days
group by party_kind, party_id, day
having count(*) > 1
