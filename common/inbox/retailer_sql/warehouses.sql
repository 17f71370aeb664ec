-- common/inbox/retailer_sql/warehouses.sql
-- Purpose   procurement.warehouses of the real retailer
-- Derived   everything
select * from (values ('W1', 'Warehouse North', true), ('W2', 'Warehouse Centre', true), ('W3', 'Warehouse South', true))
    as warehouses (warehouse_id, name, is_active)
order by warehouse_id
