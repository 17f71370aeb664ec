-- sql/planning/order_decisions/6_supplier_minimum.sql
-- What all lines of a supplier come to, against its minimum order.

    -- step: supplier minimum, over what is left of the order: flagged, held back, or filled up by lowest days of cover
    -- when on: minimum
    order_sums as (
        select
            *,
            sum(if(line_outcome = 'ordered', after_maximum_qty * unit_cost, 0)) over (partition by supplier_id) as order_value,
            sum(if(line_outcome = 'ordered', after_maximum_qty, 0)) over (partition by supplier_id) as order_units,
            max(order_currency) over (partition by supplier_id) as supplier_order_currency
        from decided
    ),
    short_orders as (
        select
            *,
            minimum_action <> 'off' and order_units > 0
                and (minimum_order_value is not null or minimum_order_units is not null) as has_minimum,
            coalesce(greatest(0, minimum_order_value - order_value), 0) as short_value,
            coalesce(greatest(0, minimum_order_units - order_units), 0) as short_units
        from order_sums
    ),
    -- what could be added of a SKU: a first lot (of one that is not ordered yet the least that its MOQ and pack allow), then packs
    fillable as (
        select
            short_orders.*,
            windows.window_qty,
            if(line_outcome = 'ordered', after_maximum_qty, 0) as kept_qty,
            if(
                line_outcome = 'ordered', cast(pack_size as decimal(38,0)),
                cast(moq as decimal(38,0)) + (pack_size - cast(moq as decimal(38,0)) % pack_size) % pack_size
            ) as first_lot_qty,
            least(coalesce(max_order_qty, 9223372036854775807), 9223372036854775807) as ceiling_qty
        from short_orders
        inner join windows on windows.sku = short_orders.sku
        where has_minimum and minimum_action = 'fill'
            and (short_value > 0 or short_units > 0)
            and line_outcome in ('ordered', 'enough_stock')
            and invalid_terms is null and is_order_day
            and currency = supplier_order_currency
            and (short_units > 0 or unit_cost > 0)
            and windows.window_qty between 1 and 1000000000000000000
    ),
    -- `start_units`: units free before the first of these lots, times the days that the window's demand is of
    lots as (
        select
            sku,
            supplier_id,
            unit_cost,
            short_value,
            short_units,
            window_qty,
            is_first,
            if(is_first, first_lot_qty, cast(pack_size as decimal(38,0))) as lot_qty,
            if(
                is_first, 1,
                (ceiling_qty - kept_qty - first_lot_qty - (ceiling_qty - kept_qty - first_lot_qty) % pack_size) / pack_size
            ) as most_lots,
            (free_qty - demand_qty + coalesce(on_order_qty, 0) + kept_qty + if(is_first, 0, first_lot_qty))
                * greatest($published_days, 1) as start_units
        from fillable
        cross join unnest(array[true, false]) as kinds (is_first)
        where kept_qty + first_lot_qty <= ceiling_qty
    ),
    -- In the order of cover: how many of a SKU's lots have at most so many whole days of cover before them is arithmetic, so that
    -- their number has no limit. `first_day` is that of the first one; -1 is all of less than none
    lot_starts as (
        select
            *,
            lot_qty * greatest($published_days, 1) as step_units,
            cast(least($fill_max_days - 1, greatest(
                -1, (start_units - (start_units % window_qty + window_qty) % window_qty) / window_qty
            )) as bigint) as first_day
        from lots
        where start_units < $fill_max_days * window_qty
    ),
    -- the day that reaches the minimum is looked for among those that end twenty days each, then among these twenty
    lot_spans as (
        select
            *,
            least(most_lots, (units + (step_units - units % step_units) % step_units) / step_units) as through_lots
        from (
            select
                lot_starts.*,
                span,
                greatest(0, least($fill_max_days, 20 * span) * window_qty - start_units) as units
            from lot_starts
            cross join unnest(sequence(0, ($fill_max_days + 19) / 20)) as spans (span)
        )
    ),
    span_sums as (
        select
            *,
            sum(through_lots * lot_qty * unit_cost) over of_span as through_value,
            sum(through_lots * lot_qty) over of_span as through_units
        from lot_spans
        window of_span as (partition by supplier_id, span)
    ),
    reached_spans as (
        select
            *,
            min(if(through_value >= short_value and through_units >= short_units, span)) over (partition by supplier_id) as last_span
        from span_sums
    ),
    lot_days as (
        select
            *,
            least(most_lots, (units + (step_units - units % step_units) % step_units) / step_units) as through_lots
        from (
            select
                sku, supplier_id, unit_cost, short_value, short_units, window_qty, is_first, lot_qty, most_lots, start_units,
                step_units, first_day, cover_day,
                greatest(0, (cover_day + 1) * window_qty - start_units) as units
            from reached_spans
            cross join unnest(sequence(
                if(last_span = 0, -1, 20 * (last_span - 1)), least($fill_max_days, 20 * last_span) - 1
            )) as days (cover_day)
            where span = last_span
        )
    ),
    day_sums as (
        select
            *,
            sum(through_lots * lot_qty * unit_cost) over of_day as through_value,
            sum(through_lots * lot_qty) over of_day as through_units
        from lot_days
        window of_day as (partition by supplier_id, cover_day)
    ),
    reached_days as (
        select
            *,
            min(if(through_value >= short_value and through_units >= short_units, cover_day)) over (partition by supplier_id) as last_day
        from day_sums
    ),
    -- the lots of the days before it are taken whole
    whole_lots as (
        select
            *,
            if(
                last_day < 0, 0,
                least(most_lots, (units_before + (step_units - units_before % step_units) % step_units) / step_units)
            ) as earlier_lots
        from (
            select
                *,
                greatest(0, last_day * window_qty - start_units) as units_before
            from reached_days
            where cover_day = last_day
        )
    ),
    started as (
        select
            *,
            sum(earlier_lots * lot_qty * unit_cost) over of_supplier as earlier_value,
            sum(earlier_lots * lot_qty) over of_supplier as earlier_units
        from whole_lots
        window of_supplier as (partition by supplier_id)
    ),
    -- those of the day are taken one by one (no SKU sells 100 million packs a day): `k` counts them, 0 is none
    single_lots as (
        select
            started.*,
            k,
            start_units + (earlier_lots + k - 1) * step_units as cover_units
        from started
        cross join unnest(sequence(0, cast(least(through_lots - earlier_lots, 100000000) as bigint) / 10000)) as blocks (block)
        cross join unnest(sequence(
            block * 10000, least(cast(least(through_lots - earlier_lots, 100000000) as bigint), block * 10000 + 9999)
        )) as single (k)
    ),
    -- an exact order of ratios: whole days, then the rest in parts of 10^18
    ranked_lots as (
        select
            *,
            (cover_units - (cover_units % window_qty + window_qty) % window_qty) / window_qty as cover_days,
            ((cover_units % window_qty + window_qty) % window_qty * 1000000000000000000
                - (cover_units % window_qty + window_qty) % window_qty * 1000000000000000000 % window_qty) / window_qty as cover_parts
        from single_lots
    ),
    filling as (
        select
            *,
            earlier_value + coalesce(sum(if(k > 0, lot_qty * unit_cost, 0)) over added_before, 0) as value_before,
            earlier_units + coalesce(sum(if(k > 0, lot_qty, 0)) over added_before, 0) as units_added_before
        from ranked_lots
        window added_before as (
            partition by supplier_id order by cover_days, cover_parts, sku, is_first desc, k
            rows between unbounded preceding and 1 preceding
        )
    ),
    taken_lots as (
        select
            sku, is_first, lot_qty, window_qty, start_units, step_units, most_lots, first_day, last_day,
            count_if(k > 0 and (value_before < short_value or units_added_before < short_units)) as last_day_lots
        from filling
        group by sku, is_first, lot_qty, window_qty, start_units, step_units, most_lots, first_day, last_day
    ),
    day_lots as (
        select
            *,
            if(
                cover_day = last_day, last_day_lots,
                least(most_lots, (to_units + (step_units - to_units % step_units) % step_units) / step_units)
                    - least(most_lots, (from_units + (step_units - from_units % step_units) % step_units) / step_units)
            ) as lot_count
        from (
            select
                taken_lots.*,
                cover_day,
                if(cover_day < 0, 0, greatest(0, cover_day * window_qty - start_units)) as from_units,
                greatest(0, (cover_day + 1) * window_qty - start_units) as to_units
            from taken_lots
            cross join unnest(sequence(first_day, last_day)) as days (cover_day)
            where first_day <= last_day
        )
    ),
    day_fills as (
        select
            sku,
            cover_day,
            bool_or(is_first) as is_first,
            lot_qty,
            sum(lot_count) as taken_lots
        from day_lots
        where lot_count > 0
        group by sku, cover_day, lot_qty
    ),
    fills as (
        select
            sku,
            sum(taken_lots * lot_qty) as added_qty,
            array_join(array_agg(format(
                '%s at %s', if(taken_lots = 1, cast(lot_qty as varchar), format('%s x %s', taken_lots, lot_qty)),
                if(cover_day < 0, 'less than 0 days', format('%s days', cover_day))
            ) order by cover_day, is_first desc), ', ') as lots
        from day_fills
        group by sku
    ),
    filled as (
        select
            short_orders.*,
            fills.added_qty,
            fills.lots,
            count(fills.sku) over (partition by short_orders.supplier_id) > 0 as is_filled
        from short_orders
        left join fills on fills.sku = short_orders.sku
    ),
    settled as (
        select
            *,
            case
                when added_qty is not null then 'ordered'
                when line_outcome = 'ordered' and has_minimum and minimum_action = 'hold' and (short_value > 0 or short_units > 0)
                    then 'below_supplier_minimum'
                else line_outcome
            end as outcome,
            line_outcome <> 'ordered' and added_qty is not null as is_filler,
            if(line_outcome = 'ordered', after_maximum_qty, if(added_qty is null, after_maximum_qty, 0)) + coalesce(added_qty, 0)
                as after_fill_qty,
            if(added_qty is not null, format(
                'added by lowest days of cover: %s; the order had %s of %s %s', lots, if(short_value > 0, cast(order_value as varchar),
                cast(order_units as varchar)), if(short_value > 0, cast(minimum_order_value as varchar), cast(minimum_order_units as varchar)),
                if(short_value > 0, supplier_order_currency, 'units')
            )) as fill_note,
            case
                when not has_minimum or line_outcome <> 'ordered' and added_qty is null then null
                when short_value = 0 and short_units = 0 then 'reached'
                when minimum_action = 'flag' then 'flagged'
                when minimum_action = 'hold' then 'held'
                when is_filled then 'filled'
                else 'unreachable'
            end as minimum_status
        from filled
    )
    -- when off: minimum
    settled as (
        select
            *,
            line_outcome as outcome,
            false as is_filler,
            after_maximum_qty as after_fill_qty,
            cast(null as varchar) as fill_note,
            cast(null as varchar) as minimum_status
        from decided
    )
    -- end
