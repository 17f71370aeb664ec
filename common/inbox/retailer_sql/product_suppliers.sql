-- common/inbox/retailer_sql/product_suppliers.sql
-- Purpose   procurement.product_suppliers of the real retailer
-- Real      that a SKU comes from its manufacturer
-- Derived   unit_cost (55 to 79 % of the median real price, at least a cent); validity (2 in 100 have new terms from
--           2017-07-01 on); 15 in 100 have a wholesaler as second supplier, dearer and in tens; 25 in 10,000 have nobody
with
    priced as (
        select
            *,
            printf('S%04d', manufacturer_id) as maker,
            printf('WH%02d', 1 + pick(sku, 'wholesaler', 12)) as wholesaler,
            greatest(1, price_cents * (55 + pick(sku, 'margin', 25)) // 100) as cost_cents,
            pick(sku, 'new terms', 100) < 2 as has_new_terms
        from assortment
        where not is_not_stocked and pick(sku, 'no supplier', 10000) >= 25
    ),

    links as (
        select sku, maker as supplier_id, 1 as priority, date '2016-01-01' as valid_from,
            case when has_new_terms then date '2017-06-30' end as valid_to,
            null as pack_size, null as moq, cost_cents, null as lead_time_days
        from priced
        union all
        select sku, maker, 1, date '2017-07-01', null, null, pack_size * 4, greatest(1, cost_cents * 95 // 100), null
        from priced
        where has_new_terms
        union all
        select sku, wholesaler, 2, date '2016-01-01', null, 10, 10, cost_cents * 108 // 100 + 1, 2
        from priced
        where pick(sku, 'second supplier', 100) < 15
    )

select
    sku, supplier_id, priority, valid_from, valid_to, pack_size, moq,
    cost_cents // 100 || '.' || lpad(cast(cost_cents % 100 as varchar), 2, '0') as unit_cost,
    null as currency, lead_time_days
from links
order by sku, supplier_id, valid_from
