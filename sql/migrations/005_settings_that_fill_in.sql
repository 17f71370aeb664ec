-- sql/migrations/005_settings_that_fill_in.sql
-- Purpose   The comments of minimums and maximums say what NULL has come to mean: not "none", but what a setting says.
-- Rule      As docs/options.md: the word of the SKU, of the supplier's SKU, of the supplier, then the setting.
-- Twice     Every statement may be applied again and changes nothing.

comment on column procurement.suppliers.minimum_order_value is 'Purchase cost that one order must reach, in the currency of the order; NULL takes the setting planning.minimum_order_value';
comment on column procurement.suppliers.minimum_order_units is 'Base units that one order must reach; NULL takes the setting planning.minimum_order_units';
comment on column procurement.replenishment_rules.max_order_qty is 'Base units that one order of the SKU may never pass, 0 orders nothing; where product_suppliers has one, too, the lower one holds, where neither has one the setting planning.max_order_qty';
comment on column procurement.product_suppliers.max_order_qty is 'Base units that one order of the SKU from this supplier may never pass, 0 orders nothing; where replenishment_rules has one, too, the lower one holds, where neither has one the setting planning.max_order_qty';
