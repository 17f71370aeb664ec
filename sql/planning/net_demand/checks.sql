-- sql/planning/net_demand/checks.sql: each query returns the rows that break its sentence; none may be published.

-- check: every SKU of master data, demand or stock has one row, no other has one, and every line and stock row is counted once
select sku, sum(is_need) as rows, sum(line_count) as lines_not_counted, sum(stock_row_count) as stock_rows_not_counted
from (
    select sku, 0 as is_need, 0 as line_count, 0 as stock_row_count from $products where business_date = date '$business_date'
    union all
    select sku, 0, 1, 0 from $pos_order_lines where business_date = date '$business_date'
    union all
    select sku, 0, 0, 1 from $warehouse_stock where business_date = date '$business_date'
    union all
    select sku, 1, - order_line_count, - stock_row_count from $net_demand where business_date = date '$business_date'
)
group by sku
having sum(is_need) <> 1 or count(*) = sum(is_need) or sum(line_count) <> 0 or sum(stock_row_count) <> 0;

-- check: the need is the formula, and not known where the SKU is held or past BIGINT
select sku
from $net_demand
where business_date = date '$business_date'
    and (
        (net_demand_qty is null) <> (hold_reason is not null or overflow is not null)
        or net_demand_qty <> greatest(
            0,
            cast(demand_qty as decimal(38,0)) + cast(safety_stock_qty as decimal(38,0))
            - (cast(available_qty as decimal(38,0)) - cast(reserved_qty as decimal(38,0)))
        )
    );
