-- common/inbox/retailer_sql/stock_of_day.sql
-- Purpose   The position of each warehouse at the cut-off of one business date, before its order lines are deducted
-- Grain     warehouse_id, sku
-- Derived   everything, in closed form from the real year, so that any day can be made without the days before it:
--           every 7 days (a weekday of the SKU's own) a SKU is filled up to its safety stock plus what the mean of the
--           year sells in those 7 days; since then the real sales went out. A hash of SKU and week makes 3 in 100 deliveries
--           come short by three quarters and moves the rest by up to a third of the safety stock. 1 SKU in 12 holds older
--           commitments, 1 in 2,000 more than it has. Sold out is 0, for 1 in 5 negative (a late booking).
--           1 SKU in 500 was never entered into a warehouse's books.
with
    terms as (
        select
            *,
            (date_diff('day', date '2016-01-01', cast($day as date)) + pick(sku, 'fill day', 7)) as clock,
            clock % 7 as days_since_fill,
            sku || '@' || clock // 7 as sku_week,
            safety_stock + cast(ceil(7 * year_qty / 365) as bigint) as fill_up_to
        from assortment
        where not is_not_stocked and pick(sku, 'no stock record', 500) > 0
    ),

    sold as (
        select terms.sku, sum(order_lines.quantity) as sold_qty
        from terms
        join order_lines using (product_id)
        where order_lines.business_date >= cast($day as date) - cast(terms.days_since_fill as integer)
            and order_lines.business_date < cast($day as date)
        group by terms.sku
    ),

    positions as (
        select
            terms.*,
            case
                when pick(sku_week, 'short', 100) < 3 then fill_up_to // 4
                else fill_up_to + pick(sku_week, 'noise', 2 * (safety_stock // 3) + 1) - safety_stock // 3
            end - coalesce(sold_qty, 0) as calculated_qty,
            case when calculated_qty >= 0 or pick(sku, 'books negative', 5) = 0 then calculated_qty else 0 end as free_qty,
            case when pick(sku_week, 'reserved', 12) = 0 then 1 + pick(sku_week, 'reserved units', 2 + safety_stock) else 0 end
                as older_qty,
            case when pick(sku_week, 'over-reserved', 2000) = 0 then 5 + greatest(0, free_qty) else 0 end as over_qty
        from terms
        left join sold using (sku)
    ),

    totals as (
        select sku, warehouse_count as n, first_warehouse, nth, safety_stock,
            free_qty + older_qty as available, older_qty + over_qty as reserved
        from positions
        cross join range(3) as warehouses (nth)
        where nth < warehouse_count
    )

-- The first of its warehouses takes what does not divide evenly.
select
    'W' || 1 + (first_warehouse + nth) % 3 as warehouse_id,
    sku,
    available // n + case when nth = 0 then available - available // n * n else 0 end as available,
    reserved // n + case when nth = 0 then reserved % n else 0 end as reserved,
    safety_stock // n + case when nth = 0 then safety_stock % n else 0 end as safety_stock
from totals
order by warehouse_id, sku
