-- sql/planning/open_orders/model.sql
-- Purpose   What was ordered on earlier dates and has not come yet, line by line, before the date's own orders.
-- Grain     order_number, sku: lines that are open; a closed one until the day after its due date plus grace days (for some
--           days more where it never came), and whenever the date received something on it
-- Reads     audit.released_orders of earlier dates, staging.receipts up to the date
-- Formula   open = max(0, released - received - cancelled); nothing once the line is closed
-- Try it    ./submit.sh net_demand 2017-12-23

with
    released as (
        select * from $released_orders
        where business_date < date '$business_date' and business_date >= date '$open_orders_from'
    ),
    receipts as (
        select * from $receipts
        where business_date <= date '$business_date' and business_date >= date '$open_orders_from'
    ),

    revisions as (
        select
            order_number,
            sku,
            revision,
            min(business_date) as order_date,
            min(supplier_id) as supplier_id,
            max(due_date) as due_date,
            sum(cast(order_qty as decimal(38,0))) as order_qty
        from released
        group by order_number, sku, revision
    ),

    heads as (
        select order_number, min(order_date) as order_date, min(supplier_id) as supplier_id, max(revision) as revision
        from revisions
        group by order_number
    ),

    -- what the last revision asked for that ordered the SKU at all
    ordered as (
        select
            order_number,
            sku,
            max(revision) as last_revision,
            max_by(due_date, revision) as due_date,
            max_by(order_qty, revision) as released_qty
        from revisions
        where order_qty > 0
        group by order_number, sku
    ),

    -- a booking that was sent again on a later date counts once: as it came first
    bookings as (
        select
            order_number,
            sku,
            receipt_id,
            min_by(row(quantity, is_final, received_on), business_date) as first_sent,
            max(business_date) as last_sent,
            count(*) - 1 as repeats
        from receipts
        group by order_number, sku, receipt_id
    ),

    received as (
        select
            order_number,
            sku,
            greatest(0, sum(cast(first_sent[1] as decimal(38,0)))) as received_qty,
            bool_or(first_sent[2]) as is_final,
            max(first_sent[3]) as last_received_on,
            max(last_sent) as last_sent,
            count(*) as receipt_count,
            sum(repeats) as repeated_receipt_count
        from bookings
        group by order_number, sku
    ),

    -- goods that nobody ordered on this order have a line, too
    terms as (
        select
            order_number,
            sku,
            heads.supplier_id,
            heads.order_date,
            heads.revision,
            ordered.due_date,
            coalesce(ordered.released_qty, 0) as released_qty,
            coalesce(received.received_qty, 0) as received_qty,
            ordered.last_revision < heads.revision as is_withdrawn,
            coalesce(received.is_final, false) as is_final,
            date_add('day', $open_order_grace_days, ordered.due_date) as last_day,
            received.last_received_on,
            received.last_sent,
            coalesce(received.receipt_count, 0) as receipt_count,
            coalesce(received.repeated_receipt_count, 0) as repeated_receipt_count
        from ordered
        full outer join received using (order_number, sku)
        join heads using (order_number)
    ),

    judged as (
        select
            *,
            -- the first that holds
            case
                when released_qty = 0 then 'not_ordered'
                when received_qty >= released_qty then 'received'
                when is_withdrawn then 'withdrawn'
                when is_final then 'final'
                when last_day < date '$business_date' then 'late'
            end as closed_reason
        from terms
    ),

    settled as (
        select
            *,
            greatest(0, released_qty - received_qty) as missing_qty
        from judged
        where closed_reason is null
            -- what never came is there for some days, whichever nights run in them: a night left out loses nothing
            or date_add('day', if(closed_reason = 'late', $open_order_given_up_days, 1), last_day) >= date '$business_date'
            or last_sent = date '$business_date'
    )

select
    order_number,
    supplier_id,
    sku,
    order_date,
    revision,
    due_date,
    cast(released_qty as bigint) as released_qty,
    cast(received_qty as bigint) as received_qty,
    cast(if(closed_reason in ('withdrawn', 'final'), missing_qty, 0) as bigint) as cancelled_qty,
    cast(if(closed_reason is null, missing_qty, 0) as bigint) as open_qty,
    cast(if(closed_reason = 'late', missing_qty, 0) as bigint) as given_up_qty,
    cast(greatest(0, received_qty - released_qty) as bigint) as over_received_qty,
    closed_reason is not null as is_closed,
    cast(closed_reason as varchar) as closed_reason,
    last_received_on,
    cast(receipt_count as bigint) as receipt_count,
    cast(repeated_receipt_count as bigint) as repeated_receipt_count
from settled
