-- sql/planning/order_decisions/3_dates.sql
-- When an order of the date comes, and one of the next order day.

    -- step: order day and due date. A closure is a day that is skipped: of the supplier while it works on the goods, where
    -- its lead times count working days; of the receiver on the day on which they come, and as a day without sales.
    -- when on: calendar
    day_lists as (
        select
            party_kind,
            party_id,
            coalesce(
                array_agg(day order by day) filter (where not is_working_day and day >= date '$business_date'),
                cast(array[] as array(date))
            ) as closures,
            coalesce(array_agg(day) filter (where is_order_day), cast(array[] as array(date))) as order_days,
            coalesce(array_agg(day) filter (where not is_order_day), cast(array[] as array(date))) as no_order_days
        from calendar_days
        group by party_kind, party_id
    ),
    receiver as (
        select
            coalesce(max_by(closures, party_id), cast(array[] as array(date))) as closures,
            coalesce(max_by(no_order_days, party_id), cast(array[] as array(date))) as no_order_days
        from day_lists
        where party_kind = 'receiver'
    ),
    -- `order_offsets`: how many days after the date each order day of the next year is, 0 is the date itself
    calendars as (
        select
            suppliers.supplier_id,
            if(
                coalesce(suppliers.lead_time_unit, '$lead_time') = 'working' and own.closures is not null,
                own.closures,
                cast(array[] as array(date))
            ) as closures,
            coalesce(suppliers.lead_time_unit, '$lead_time') as lead_time_unit,
            receiver.closures as receiver_closures,
            filter(
                sequence(0, 366),
                n -> not contains(receiver.no_order_days, date_add('day', n, date '$business_date'))
                    and case
                        when contains(own.no_order_days, date_add('day', n, date '$business_date')) then false
                        when contains(own.order_days, date_add('day', n, date '$business_date')) then true
                        when suppliers.order_weekdays is null then true
                        else strpos(
                            suppliers.order_weekdays,
                            cast(day_of_week(date_add('day', n, date '$business_date')) as varchar)
                        ) > 0
                    end
            ) as order_offsets
        from suppliers
        left join day_lists as own on own.party_id = suppliers.supplier_id and own.party_kind = 'supplier'
        cross join receiver
    ),
    ordering_days as (
        select
            judged_terms.*,
            calendars.lead_time_unit,
            calendars.receiver_closures,
            coalesce(contains(calendars.order_offsets, 0), false) as is_order_day,
            date_add(
                'day', element_at(filter(calendars.order_offsets, n -> n > 0), 1), date '$business_date'
            ) as next_order_date,
            calendars.closures
        from judged_terms
        left join calendars on calendars.supplier_id = judged_terms.supplier_id
    ),
    -- when an order of the date is due, and one of the next order day
    due_dates as (
        select
            *,
            if(
                lead_time_days between 0 and 3650,
                transform(
                    array[date '$business_date', next_order_date],
                    start -> reduce(
                        receiver_closures,
                        reduce(
                            closures,
                            date_add('day', lead_time_days, start),
                            (due, closed) -> if(closed > start and closed <= due, date_add('day', 1, due), due),
                            due -> due
                        ),
                        (due, closed) -> if(closed = due, date_add('day', 1, due), due),
                        due -> due
                    )
                )
            ) as dues
        from ordering_days
    ),
    dated as (
        select
            *,
            date_diff('day', date '$business_date', dues[2])
                - cardinality(filter(receiver_closures, closed -> closed > date '$business_date' and closed <= dues[2])) as horizon_days,
            dues[1] as planned_due_date
        from due_dates
    ),
    -- when off: calendar
    dated as (
        select
            *,
            supplier_id is not null as is_order_day,
            if(supplier_id is not null, date_add('day', 1, date '$business_date')) as next_order_date,
            cast('$lead_time' as varchar) as lead_time_unit,
            -- every day is an order day: what is ordered tomorrow is due a day later
            if(lead_time_days between 0 and 3650, cast(lead_time_days as bigint) + 1) as horizon_days,
            if(lead_time_days between 0 and 3650, date_add('day', lead_time_days, date '$business_date')) as planned_due_date
        from judged_terms
    ),
    -- end
