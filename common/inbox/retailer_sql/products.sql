-- common/inbox/retailer_sql/products.sql
-- Purpose   procurement.products of the real retailer
-- Real      sku, name, department, category
-- Derived   base_unit, pack_size (unknown for 2 in 1,000), status (fuel and coupons are blocked, 5 in 1,000 run out)
select
    sku,
    name,
    department,
    category,
    case when is_fuel then '0.001 gal' else 'each' end as base_unit,
    case when pick(sku, 'pack unknown', 1000) < 2 then null when is_not_stocked then 1 else pack_size end as pack_size,
    case when is_not_stocked then 'blocked' when pick(sku, 'run out', 1000) < 5 then 'run_out' else 'active' end as status
from assortment
order by sku
