-- sql/migrations/006_days_of_four_digits.sql
-- Purpose   A day has a year of four digits, 0001 to 9999: PostgreSQL knows more (years before Christ, and to 294276), which
--           the date's snapshot, Parquet's readers and the supplier's program do not.
-- Twice     Every statement may be applied again and changes nothing.

alter table procurement.product_suppliers
    drop constraint if exists product_suppliers_valid_days_have_years_of_four_digits,
    add constraint product_suppliers_valid_days_have_years_of_four_digits check (
        valid_from between date '0001-01-01' and date '9999-12-31' and valid_to between date '0001-01-01' and date '9999-12-31'
    );

alter table procurement.calendar_days
    drop constraint if exists calendar_days_day_has_a_year_of_four_digits,
    add constraint calendar_days_day_has_a_year_of_four_digits check (day between date '0001-01-01' and date '9999-12-31');
