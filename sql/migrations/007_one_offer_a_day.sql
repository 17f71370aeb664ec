-- sql/migrations/007_one_offer_a_day.sql
-- Purpose   A supplier has one offer of a SKU on a day: a new price that is entered beside the old one, which nobody has ended,
--           would lose to it without a word. And a case, a layer, a pallet is a multiple of the offer's pack.
-- Twice     Every statement may be applied again and changes nothing.

alter table procurement.product_suppliers
    drop constraint if exists product_suppliers_one_offer_of_a_supplier_a_day,
    add constraint product_suppliers_one_offer_of_a_supplier_a_day exclude using gist (
        procurement.text_range(sku, sku, '[]') with &&,
        procurement.text_range(supplier_id, supplier_id, '[]') with &&,
        daterange(valid_from, valid_to, '[]') with &&
    ),
    drop constraint if exists product_suppliers_levels_are_multiples_of_the_pack,
    add constraint product_suppliers_levels_are_multiples_of_the_pack check (
        case_size % pack_size = 0 and layer_size % pack_size = 0 and pallet_size % pack_size = 0
    );
