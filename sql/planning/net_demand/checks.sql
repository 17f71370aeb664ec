-- sql/planning/net_demand/checks.sql: each query returns the rows that break its sentence; none may be published.

-- check: every SKU has one row
select sku from $net_demand where business_date = date '$business_date' group by sku having count(*) > 1;

-- check: no SKU of master data, demand or stock is lost
select sku from $products where business_date = date '$business_date'
union
select sku from $pos_order_lines where business_date = date '$business_date'
union
select sku from $warehouse_stock where business_date = date '$business_date'
except
select sku from $net_demand where business_date = date '$business_date';

-- check: every accepted order line and every stock row is counted once
select *
from (
    select sum(order_line_count) as lines, sum(stock_row_count) as stock_rows
    from $net_demand
    where business_date = date '$business_date'
) as counted
cross join (select count(*) as lines from $pos_order_lines where business_date = date '$business_date') as ordered
cross join (select count(*) as stock_rows from $warehouse_stock where business_date = date '$business_date') as stocked
where coalesce(counted.lines, 0) <> ordered.lines or coalesce(counted.stock_rows, 0) <> stocked.stock_rows;

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
