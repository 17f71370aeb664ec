-- sql/planning/purchase_order_lines/model.sql
-- Purpose   The lines of the night's orders, with all that a supplier's order file says.
-- Grain     order_number, line_no: one order a supplier, one line a SKU
-- Reads     planning.order_decisions
-- Formula   order_number = YYYYMMDD-supplier_id, line_no counts the SKUs of an order in their order
-- Try it    ./submit.sh purchase_orders 2017-12-23

with
    decisions as (select * from $order_decisions where business_date = date '$business_date'),

    ordered as (select * from decisions where outcome = 'ordered')

select
    date_format(date '$business_date', '%Y%m%d') || '-' || supplier_id as order_number,
    cast(row_number() over (partition by supplier_id order by sku) as integer) as line_no,
    supplier_id,
    supplier_name,
    sku,
    product_name,
    net_demand_qty,
    order_qty,
    packs,
    pack_size,
    bound_by,
    unit_cost,
    line_cost,
    currency,
    lead_time_days,
    due_date
from ordered
