-- sql/planning/net_demand/model.sql
-- Purpose   What each SKU lacks on one business date: demand plus safety stock, less what is free.
-- Grain     sku: every SKU of master data, demand or stock
-- Reads     staging.pos_order_lines, staging.warehouse_stock, staging.products, staging.replenishment_rules,
--           audit.rejected_rows (of the run that published the stock: a rejected stock row holds its SKU)
-- Formula   net_demand = max(0, demand + safety_stock - (available - reserved))
-- Try it    ./submit.sh net_demand 2017-12-23

with
    order_lines as (select * from $pos_order_lines where business_date = date '$business_date'),
    stock       as (select * from $warehouse_stock where business_date = date '$business_date'),
    products    as (select * from $products where business_date = date '$business_date'),
    rules       as (select * from $replenishment_rules where business_date = date '$business_date'),
    rejected_stock as (
        select * from $rejected_rows
        where business_date = date '$business_date'
            and table_name = 'staging.warehouse_stock'
            and run_id = $warehouse_stock_run
            and action = 'reject'
    ),

    -- sums of BIGINT may pass BIGINT: everything is added up as decimal(38,0) and judged afterwards
    demand as (
        select
            sku,
            sum(cast(quantity as decimal(38,0))) as demand_qty,
            count(*) as order_line_count
        from order_lines
        group by sku
    ),

    position as (
        select
            sku,
            sum(cast(available_qty as decimal(38,0))) as available_qty,
            sum(cast(reserved_qty as decimal(38,0))) as reserved_qty,
            sum(cast(safety_stock_qty as decimal(38,0))) as snapshot_safety_stock_qty,
            count(*) as stock_row_count
        from stock
        group by sku
    ),

    rejected as (
        select sku, count(*) as rejected_stock_row_count
        from rejected_stock
        where sku is not null
        group by sku
    ),

    -- a row that does not even name its SKU may have been that of any SKU without a stock record
    unreadable as (select count(*) as unreadable_row_count from rejected_stock where sku is null),

    -- no SKU is lost: one that only one of them knows has its row, too
    terms as (
        select
            sku,
            products.status as product_status,
            coalesce(demand.demand_qty, 0) as demand_qty,
            coalesce(demand.order_line_count, 0) as order_line_count,
            coalesce(position.available_qty, 0) as available_qty,
            coalesce(position.reserved_qty, 0) as reserved_qty,
            coalesce(position.stock_row_count, 0) as stock_row_count,
            coalesce(rejected.rejected_stock_row_count, 0) as rejected_stock_row_count,
            rules.business_date is not null as has_rule,
            cast(rules.safety_stock as decimal(38,0)) as rule_safety_stock_qty,
            position.snapshot_safety_stock_qty,
            coalesce(cast(rules.safety_stock as decimal(38,0)), position.snapshot_safety_stock_qty, 0) as safety_stock_qty,
            unreadable.unreadable_row_count
        from products
        full outer join demand using (sku)
        full outer join position using (sku)
        left join rejected using (sku)
        left join rules using (sku)
        cross join unreadable
    ),

    needs as (
        select
            *,
            available_qty - reserved_qty as free_qty,
            greatest(0, demand_qty + safety_stock_qty - (available_qty - reserved_qty)) as net_demand_qty,
            coalesce(product_status = 'active', false)
                and (order_line_count > 0 or stock_row_count > 0 or rejected_stock_row_count > 0 or has_rule) as is_planned,
            case
                when rejected_stock_row_count > 0 then 'rejected_stock_row'
                when stock_row_count = 0 and unreadable_row_count > 0 then 'unreadable_stock_row'
            end as hold_reason
        from terms
    ),

    judged as (
        select
            *,
            -- true where any of them is past BIGINT
            try_cast(demand_qty as bigint) is null
                or try_cast(available_qty as bigint) is null
                or try_cast(reserved_qty as bigint) is null
                or try_cast(free_qty as bigint) is null
                or try_cast(safety_stock_qty as bigint) is null
                or try_cast(coalesce(snapshot_safety_stock_qty, 0) as bigint) is null
                or try_cast(net_demand_qty as bigint) is null as is_overflow
        from needs
    )

select
    sku,
    product_status,
    is_planned,
    cast(order_line_count as bigint) as order_line_count,
    cast(stock_row_count as bigint) as stock_row_count,
    cast(rejected_stock_row_count as bigint) as rejected_stock_row_count,
    has_rule,
    try_cast(demand_qty as bigint) as demand_qty,
    try_cast(available_qty as bigint) as available_qty,
    try_cast(reserved_qty as bigint) as reserved_qty,
    try_cast(free_qty as bigint) as free_qty,
    try_cast(rule_safety_stock_qty as bigint) as rule_safety_stock_qty,
    try_cast(snapshot_safety_stock_qty as bigint) as snapshot_safety_stock_qty,
    try_cast(safety_stock_qty as bigint) as safety_stock_qty,
    cast(
        case
            when rule_safety_stock_qty is not null then 'rule'
            when snapshot_safety_stock_qty is not null then 'snapshot'
            else 'none'
        end as varchar
    ) as safety_stock_source,
    cast(hold_reason as varchar) as hold_reason,
    case
        when is_overflow
        then format('demand %s, safety stock %s, available %s, reserved %s', demand_qty, safety_stock_qty, available_qty, reserved_qty)
    end as overflow,
    -- the need of a held SKU is not known: its position is not
    if(hold_reason is null and not is_overflow, try_cast(net_demand_qty as bigint)) as net_demand_qty
from judged
