-- sql/adhoc/rejected_rows.sql
-- Purpose     Rows of a business date that were not accepted, by table and reason, with one example of each.
-- Grain       table_name, action, reason (a row with two reasons counts under both)
-- Reads       delta.audit.rejected_rows, of the last successful run of each staging stage (postgresql.ops.stages)
-- Parameters  business_date
-- Usage       ./submit.sh adhoc rejected_rows 2017-12-23

with
    published as (
        select
            case stages.stage
                when 'stage_orders' then 'staging.pos_order_lines'
                when 'stage_stock' then 'staging.warehouse_stock'
                else 'staging.receipts'
            end as table_name,
            max(stages.run_id) as run_id
        from postgresql.ops.stages as stages
        join postgresql.ops.runs as runs on runs.run_id = stages.run_id
        where runs.business_date = date '$business_date'
            and stages.status = 'succeeded'
            and stages.stage in ('stage_orders', 'stage_stock', 'stage_receipts')
        group by stages.stage
    )

select
    rejected.table_name, rejected.action, reason, count(*) as row_count,
    min_by(concat(rejected.source_file, ':', cast(rejected.source_line as varchar)), (rejected.source_file, rejected.source_line))
        as first_place,
    min_by(substr(rejected.raw, 1, 120), (rejected.source_file, rejected.source_line)) as first_text
from delta.audit.rejected_rows as rejected
join published on published.table_name = rejected.table_name and published.run_id = rejected.run_id
cross join unnest(rejected.reasons) as reasons (reason)
where rejected.business_date = date '$business_date'
group by rejected.table_name, rejected.action, reason
order by row_count desc, rejected.table_name, reason, rejected.action
