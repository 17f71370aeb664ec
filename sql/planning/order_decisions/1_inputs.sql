-- sql/planning/order_decisions/1_inputs.sql
-- Purpose   What is ordered of each SKU, from whom, on which terms, and why: every step of the decision stores its result.
-- Grain     sku: every SKU of net_demand, in exactly one outcome
-- Reads     planning.net_demand, staging.products, staging.product_suppliers, staging.suppliers, staging.replenishment_rules;
--           with options also staging.calendar_days, staging.pos_order_lines and staging.warehouse_stock (the window before
--           the date), planning.open_orders
-- Formula   order_qty = ceil(max(net_demand, moq) / pack_size) * pack_size, where net_demand > 0; options change it step by step
-- Options   a part between `when on:` and `end` is there only in a night that uses the option (common/planning_options.py)
-- Try it    ./submit.sh purchase_orders 2017-12-23

with
    net_demand        as (select * from $net_demand where business_date = date '$business_date'),
    products          as (select * from $products where business_date = date '$business_date'),
    product_suppliers as (select * from $product_suppliers where business_date = date '$business_date'),
    suppliers         as (select * from $suppliers where business_date = date '$business_date'),
    rules             as (select * from $replenishment_rules where business_date = date '$business_date'),

    -- when on: calendar
    calendar_days as (select * from $calendar_days where business_date = date '$business_date'),
    -- end
    -- when on: order_up_to
    open_orders as (select * from $open_orders where business_date = date '$business_date'),
    stock_history as (
        select * from $warehouse_stock
        where business_date >= date '$business_date' - interval '$history_days' day
            and business_date < date '$business_date'
    ),
    -- end
    -- when on: history
    history as (
        select * from $pos_order_lines
        where business_date >= date '$business_date' - interval '$history_days' day
            and business_date < date '$business_date'
    ),
    sku_days as (
        select
            sku,
            business_date,
            sum(cast(quantity as decimal(38,0))) as day_qty
        from history
        group by sku, business_date
    ),
    -- a day without a sale is not in `days_desc`: a rank past its end is a day of zero
    windows as (
        select
            sku,
            array_agg(day_qty order by day_qty desc) as days_desc,
            sum(day_qty) as window_qty
        from sku_days
        group by sku
    ),
    -- end
