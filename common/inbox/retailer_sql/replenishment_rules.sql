-- common/inbox/retailer_sql/replenishment_rules.sql
-- Purpose   procurement.replenishment_rules of the real retailer
-- Derived   everything: one to three packs as MOQ (1 in 10 is no multiple of the pack, 2 in 1,000 are unknown); the safety
--           stock (not set for 1 in 10, unlike the warehouses' for 3 in 1,000); 2 in 100 SKUs have no rule
select
    sku,
    case
        when pick(sku, 'moq unknown', 1000) < 2 then null
        else pack_size * (1 + pick(sku, 'moq', case when year_qty < 60 then 2 else 3 end)) + case when pick(sku, 'moq odd', 10) = 0 then 1 else 0 end
    end as moq,
    case
        when pick(sku, 'safety unset', 10) = 0 then null
        else safety_stock + case when pick(sku, 'safety differs', 1000) < 3 then 2 else 0 end
    end as safety_stock
from assortment
where not is_not_stocked and pick(sku, 'rule', 100) >= 2
order by sku
