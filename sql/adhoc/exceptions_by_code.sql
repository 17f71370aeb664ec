-- sql/adhoc/exceptions_by_code.sql
-- Purpose     What a planner must look at, by severity and code, with one example of each.
-- Grain       severity, code
-- Reads       hive.planning.exceptions
-- Parameters  business_date
-- Usage       ./submit.sh adhoc exceptions_by_code 2017-12-23

select severity, code, count(*) as exception_lines, sum(cost) as cost, min_by(message, subject) as example, min(action) as action
from hive.planning.exceptions
where business_date = date '$business_date'
group by severity, code
order by case severity when 'error' then 1 when 'warning' then 2 else 3 end, exception_lines desc, code
