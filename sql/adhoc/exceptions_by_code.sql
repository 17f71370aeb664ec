-- sql/adhoc/exceptions_by_code.sql
-- Purpose     What a planner must look at, by code, what is most at risk first, with the worst example of each.
-- Grain       severity, code
-- Reads       hive.planning.exceptions
-- Parameters  business_date
-- Usage       ./submit.sh adhoc exceptions_by_code 2017-12-23

select severity, code, count(*) as exception_lines, count_if(state = 'new') as new_lines, sum(cost_at_risk) as cost_at_risk,
    min_by(message, rank) as example, min(action) as action
from hive.planning.exceptions
where business_date = date '$business_date'
group by severity, code
order by cost_at_risk desc nulls last, min(rank)
