-- sql/staging/receipts/checks.sql
-- Purpose   Audits of the staged receipts before they are published; each query returns the offending rows.
-- Usage     run by the engine over the private directory; $receipts stands for it.

-- check: every receipt names its order and SKU, a day not after the business date, and its source
select receipt_id, order_number, sku, quantity, received_on, is_final, source_file, source_line
from $receipts
where not coalesce(receipt_id <> '' and order_number <> '' and sku <> '' and (quantity <> 0 or is_final)
    and received_on <= date '$business_date' and source_file <> '' and source_line >= 1, false)
