-- common/inbox/retailer_sql/suppliers.sql
-- Purpose   procurement.suppliers of the real retailer: its manufacturers, and 12 wholesalers
-- Real      that there is such a manufacturer, and its number
-- Derived   everything else: names and addresses (Faker, table `names`), lead time, 2 in 100 inactive, the wholesalers
select
    supplier_id,
    names.name,
    not coalesce(supplier_id like 'S%' and pick(supplier_id, 'inactive', 100) < 2, false) as is_active,
    lead_time_days,
    'USD' as currency,
    names.email
from (
    select distinct printf('S%04d', manufacturer_id) as supplier_id, lead_time_days from assortment
    union all
    select printf('WH%02d', n), 2 from range(1, 13) as wholesalers (n)
)
join names on names.owner = supplier_id
order by supplier_id
