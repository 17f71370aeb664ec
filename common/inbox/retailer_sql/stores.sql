-- common/inbox/retailer_sql/stores.sql
-- Purpose   procurement.stores of the real retailer
-- Real      store_id
-- Derived   the name (Faker, table `names`)
select cast(store_id as varchar) as store_id, names.name, true as is_active
from (select distinct store_id from order_lines) as stores
join names on names.owner = 'store ' || stores.store_id
order by store_id
