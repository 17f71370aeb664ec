-- sql/migrations/004_supplier_files.sql
-- Purpose   Every supplier's orders can be a file of their own, on any file system: what the export would refuse at night
--           is refused when the supplier is entered.
-- Rule      As common/publish/order_files.py names the files: other characters than letters, digits and . _ - of ASCII are
--           percent-encoded byte by byte, a name has at most 255 bytes (.json and an encoded first character are 7 of
--           them), and file systems that ignore case must not make two names one.
-- Twice     Every statement may be applied again and changes nothing.

create unique index if not exists suppliers_id_differs_in_more_than_case
    on procurement.suppliers (lower(supplier_id collate "C"));

alter table procurement.suppliers
    drop constraint if exists suppliers_id_fits_into_a_file_name,
    add constraint suppliers_id_fits_into_a_file_name check (
        octet_length(supplier_id) + 2 * octet_length(regexp_replace(supplier_id collate "C", '[A-Za-z0-9._-]', '', 'g')) <= 248
    );
comment on column procurement.suppliers.supplier_id is 'Short name of the supplier: part of order numbers and of order file names, so without / \ : .. and control characters, and not another one''s in other case';
