-- sql/planning/order_decisions/model.sql
-- Purpose   What is ordered of each SKU, from whom, on which terms, and why: every step of the decision stores its result.
-- Grain     sku: every SKU of net_demand, in exactly one outcome
-- Reads     planning.net_demand, staging.products, staging.product_suppliers, staging.suppliers, staging.replenishment_rules;
--           with options also staging.calendar_days, staging.pos_order_lines and staging.warehouse_stock (the window before
--           the date), planning.open_orders
-- Formula   order_qty = ceil(max(net_demand, moq) / pack_size) * pack_size, where net_demand > 0; options change it step by step
-- Options   a part between `when on:` and `end` is there only in a night that uses the option (common/planning_options.py)
-- Try it    ./submit.sh purchase_orders 2017-12-23

with
    net_demand        as (select * from $net_demand where business_date = date '$business_date'),
    products          as (select * from $products where business_date = date '$business_date'),
    product_suppliers as (select * from $product_suppliers where business_date = date '$business_date'),
    suppliers         as (select * from $suppliers where business_date = date '$business_date'),
    rules             as (select * from $replenishment_rules where business_date = date '$business_date'),

    -- when on: calendar
    calendar_days as (select * from $calendar_days where business_date = date '$business_date'),
    -- end
    -- when on: order_up_to
    open_orders as (select * from $open_orders where business_date = date '$business_date'),
    stock_history as (
        select * from $warehouse_stock
        where business_date >= date '$business_date' - interval '$history_days' day
            and business_date < date '$business_date'
    ),
    -- end
    -- when on: history
    history as (
        select * from $pos_order_lines
        where business_date >= date '$business_date' - interval '$history_days' day
            and business_date < date '$business_date'
    ),
    sku_days as (
        select
            sku,
            business_date,
            sum(cast(quantity as decimal(38,0))) as day_qty
        from history
        group by sku, business_date
    ),
    -- a day without a sale is not in `days_desc`: a rank past its end is a day of zero
    windows as (
        select
            sku,
            array_agg(day_qty order by day_qty desc) as days_desc,
            sum(day_qty) as window_qty
        from sku_days
        group by sku
    ),
    -- end

    -- step: supplier. The first by priority that is valid on the date and active takes the whole order.
    offers as (
        select
            product_suppliers.*,
            product_suppliers.valid_from <= date '$business_date'
                and coalesce(product_suppliers.valid_to >= date '$business_date', true) as is_valid,
            suppliers.is_active,
            suppliers.name as supplier_name,
            suppliers.currency as supplier_currency,
            suppliers.lead_time_days as supplier_lead_time_days
        from product_suppliers
        inner join suppliers on suppliers.supplier_id = product_suppliers.supplier_id
    ),

    -- an aggregate: a window would sort a partition for every SKU, at several times the cost
    chosen as (
        select
            sku,
            cast(
                min_by(
                    row(
                        supplier_id, supplier_name, supplier_currency, supplier_lead_time_days,
                        priority, valid_from, pack_size, moq, unit_cost, currency, lead_time_days
                    ),
                    row(priority, supplier_id, valid_from)
                ) filter (where is_valid and is_active)
                as row(
                    supplier_id varchar, supplier_name varchar, supplier_currency varchar, supplier_lead_time_days integer,
                    priority integer, valid_from date, pack_size integer, moq bigint, unit_cost decimal(12,2),
                    currency varchar, lead_time_days integer
                )
            ) as offer,
            bool_or(is_valid) as has_valid_offer,
            -- the valid supplier of the best priority, were it active
            min(priority) filter (where is_valid and not is_active) as inactive_priority,
            min_by(supplier_id, priority) filter (where is_valid and not is_active) as inactive_supplier_id
        from offers
        group by sku
    ),

    -- step: terms. The supplier's own come first; what it does not state comes from the SKU, its rule or the supplier.
    terms as (
        select
            net_demand.sku,
            net_demand.product_status,
            net_demand.is_planned,
            net_demand.hold_reason,
            net_demand.overflow,
            net_demand.demand_qty,
            net_demand.safety_stock_qty,
            net_demand.free_qty,
            net_demand.net_demand_qty as formula_need_qty,
            products.name as product_name,
            -- every part of the offer is NULL where there is none
            chosen.offer.supplier_id as supplier_id,
            chosen.offer.supplier_name as supplier_name,
            chosen.offer.priority as supplier_priority,
            chosen.offer.valid_from as offer_valid_from,
            case
                when chosen.sku is null then 'not_mapped'
                when not chosen.has_valid_offer then 'not_valid'
                when chosen.offer is null then 'inactive'
            end as no_supplier_reason,
            if(
                chosen.offer is null or chosen.inactive_priority < chosen.offer.priority, chosen.inactive_supplier_id
            ) as passed_over_supplier_id,
            coalesce(chosen.offer.pack_size, products.pack_size) as pack_size,
            case
                when chosen.offer.pack_size is not null then 'product_suppliers'
                when products.pack_size is not null then 'products'
            end as pack_size_source,
            case
                when chosen.offer.moq is not null then chosen.offer.moq
                when rules.sku is not null then rules.moq
                else 1
            end as moq,
            case
                when chosen.offer.moq is not null then 'product_suppliers'
                when rules.sku is not null then 'replenishment_rules'
                else 'default'
            end as moq_source,
            chosen.offer.unit_cost as unit_cost,
            if(chosen.offer is not null, cast(coalesce(chosen.offer.supplier_currency, '$currency') as varchar)) as supplier_currency,
            if(chosen.offer is not null, coalesce(chosen.offer.currency, chosen.offer.supplier_currency, '$currency')) as currency,
            coalesce(chosen.offer.lead_time_days, chosen.offer.supplier_lead_time_days) as lead_time_days,
            case
                when chosen.offer.lead_time_days is not null then 'product_suppliers'
                when chosen.offer.supplier_lead_time_days is not null then 'suppliers'
            end as lead_time_source,
            rules.policy as rule_policy,
            rules.level_share_percent as rule_level_share_percent,
            rules.max_order_qty as rule_max_order_qty,
            rules.is_held_on_spike as rule_is_held_on_spike
        from net_demand
        left join products on products.sku = net_demand.sku
        left join rules on rules.sku = net_demand.sku
        left join chosen on chosen.sku = net_demand.sku
    ),

    -- what the options say for the SKU: its own word, then that of the supplier's SKU, the supplier, the setting
    -- when on: own_terms
    own_terms as (
        select
            terms.*,
            case
                when rule_policy is not null then rule_policy
                when offer.policy is not null then offer.policy
                when suppliers.policy is not null then suppliers.policy
                else '$policy'
            end as asked_policy,
            case
                when rule_policy is not null then 'sku'
                when offer.policy is not null then 'supplier_sku'
                when suppliers.policy is not null then 'supplier'
                else 'default'
            end as asked_policy_source,
            coalesce(rule_is_held_on_spike, suppliers.is_held_on_spike, $hold_on_spike) as is_held_on_spike,
            coalesce(suppliers.minimum_action, '$supplier_minimum') as minimum_action,
            coalesce(suppliers.minimum_order_value, nullif(cast($minimum_order_value as decimal(14,2)), 0)) as minimum_order_value,
            coalesce(suppliers.minimum_order_units, nullif(cast($minimum_order_units as bigint), 0)) as minimum_order_units,
            offer.case_size,
            offer.layer_size,
            offer.pallet_size,
            coalesce(
                rule_level_share_percent, offer.level_share_percent, suppliers.level_share_percent, $level_share_percent
            ) as level_share_percent,
            -- two ceilings both hold
            coalesce(
                least(coalesce(rule_max_order_qty, offer.max_order_qty), coalesce(offer.max_order_qty, rule_max_order_qty)),
                nullif($max_order_qty, 0)
            ) as max_order_qty
        from terms
        left join product_suppliers as offer
            on offer.sku = terms.sku
            and offer.supplier_id = terms.supplier_id
            and offer.valid_from = terms.offer_valid_from
        left join suppliers on suppliers.supplier_id = terms.supplier_id
    ),
    -- when off: own_terms
    own_terms as (select * from terms),
    -- end

    judged_terms as (
        select
            *,
            nullif(
                concat_ws(
                    ', ',
                    case when pack_size is null then 'no pack size' when pack_size < 1 then format('pack size %s', pack_size) end,
                    case when moq is null then 'no MOQ' when moq < 1 then format('MOQ %s', moq) end,
                    -- when on: levels
                    if(level_share_percent > 0 and (case_size < 1 or case_size % nullif(pack_size, 0) <> 0),
                        format('a case of %s is not whole packs', case_size)),
                    if(level_share_percent > 0 and (layer_size < 1 or layer_size % nullif(pack_size, 0) <> 0),
                        format('a layer of %s is not whole packs', layer_size)),
                    if(level_share_percent > 0 and (pallet_size < 1 or pallet_size % nullif(pack_size, 0) <> 0),
                        format('a pallet of %s is not whole packs', pallet_size)),
                    -- end
                    case
                        when supplier_id is null then null
                        when unit_cost is null then 'no unit cost'
                        when unit_cost < 0 then format('unit cost %s', unit_cost)
                    end,
                    case
                        when supplier_id is null then null
                        when lead_time_days is null then 'no lead time'
                        when lead_time_days not between 0 and 3650 then format('lead time of %s days', lead_time_days)
                    end
                ),
                ''
            ) as invalid_terms
        from own_terms
    ),

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

    -- step: requirement, plus safety stock, less position (and what is on order)
    -- when on: order_up_to
    -- the days that count: the SKU in stock and a store open; a spike counts as much as the largest day that is none
    open_days as (select distinct business_date from history),
    stocked_days as (
        select stock_history.sku, stock_history.business_date
        from stock_history
        inner join open_days on open_days.business_date = stock_history.business_date
        group by stock_history.sku, stock_history.business_date
        having sum(cast(available_qty as decimal(38,0)) - cast(reserved_qty as decimal(38,0))) > 0
    ),
    counted_days as (
        select
            stocked_days.sku,
            count(*) as window_days,
            sum(coalesce(least(
                sku_days.day_qty,
                greatest(cast($spike_min_qty as decimal(38,0)), $spike_factor * $third_largest_qty)
            ), 0)) as window_demand_qty
        from stocked_days
        left join sku_days on sku_days.sku = stocked_days.sku and sku_days.business_date = stocked_days.business_date
        left join windows on windows.sku = stocked_days.sku
        group by stocked_days.sku
    ),
    on_order as (
        select sku, sum(cast(open_qty as decimal(38,0))) as on_order_qty
        from open_orders
        where not is_closed
        group by sku
    ),
    asked as (
        select
            dated.*,
            case
                when dated.asked_policy <> 'order_up_to' then null
                when dated.supplier_id is null then 'no_supplier'
                when dated.planned_due_date is null then 'invalid_lead_time'
                when dated.horizon_days is null then 'no_next_order_day'
                when coalesce(counted_days.window_days, 0) < $min_history_days then 'few_days'
            end as policy_fallback,
            counted_days.window_days as counted_day_count,
            counted_days.window_demand_qty as counted_qty,
            coalesce(on_order.on_order_qty, 0) as open_qty
        from dated
        left join counted_days on counted_days.sku = dated.sku
        left join on_order on on_order.sku = dated.sku
    ),
    decided_policy as (
        select *, asked_policy = 'order_up_to' and policy_fallback is null as is_order_up_to
        from asked
    ),
    required as (
        select
            *,
            if(is_order_up_to, 'order_up_to', 'formula') as policy,
            asked_policy_source as policy_source,
            if(is_order_up_to, counted_qty) as window_demand_qty,
            if(is_order_up_to, counted_day_count) as window_days,
            if(is_order_up_to, open_qty) as on_order_qty,
            -- multiplied first, rounded up once, by remainder: a division of decimals would round
            if(
                is_order_up_to,
                (counted_qty * horizon_days + (counted_day_count - counted_qty * horizon_days % counted_day_count) % counted_day_count)
                    / counted_day_count,
                cast(demand_qty as decimal(38,0))
            ) as requirement_qty
        from decided_policy
    ),
    needed as (
        select
            *,
            case
                when hold_reason is not null or overflow is not null then null
                when not is_order_up_to then cast(formula_need_qty as decimal(38,0))
                else greatest(0, requirement_qty + safety_stock_qty - free_qty - on_order_qty)
            end as need_qty
        from required
    ),
    -- when off: order_up_to
    needed as (
        select
            *,
            'formula' as policy,
            'default' as policy_source,
            cast(null as varchar) as policy_fallback,
            cast(null as decimal(38,0)) as window_demand_qty,
            cast(null as bigint) as window_days,
            cast(null as decimal(38,0)) as on_order_qty,
            cast(demand_qty as decimal(38,0)) as requirement_qty,
            cast(formula_need_qty as decimal(38,0)) as need_qty
        from dated
    ),
    -- end

    -- step: status, holds, need. The first reason that keeps a SKU from being ordered is its outcome; NULL goes on.
    stopped as (
        select
            *,
            case
                when product_status is null then 'unknown_sku'
                when not is_planned then 'not_planned'
                when hold_reason is not null then 'held'
                when overflow is not null or try_cast(need_qty as bigint) is null then 'overflow'
                when need_qty = 0 then 'enough_stock'
                when supplier_id is null then 'no_supplier'
                when invalid_terms is not null then 'invalid_terms'
                when not is_order_day then 'no_order_day'
            end as stop_reason
        from needed
    ),

    -- step: MOQ. Quantities are decimal(38,0) until the last one is known to fit.
    lifted as (
        select
            *,
            case when stop_reason is null then greatest(need_qty, cast(moq as decimal(38,0))) end as after_moq_qty
        from stopped
    ),

    -- step: pack, always upward, by remainder: a division of decimals would round
    packed as (
        select
            *,
            after_moq_qty + (pack_size - after_moq_qty % nullif(pack_size, 0)) % nullif(pack_size, 0) as after_pack_qty
        from lifted
    ),

    -- step: pack level. What lacks at most a share of the next case, layer or pallet is rounded up to it, in this order.
    -- when on: levels
    cased as (
        select
            *,
            after_pack_qty + coalesce(if(
                (case_size - after_pack_qty % case_size) % case_size * 100 <= cast(level_share_percent as bigint) * case_size,
                (case_size - after_pack_qty % case_size) % case_size
            ), 0) as after_case_qty
        from packed
    ),
    layered as (
        select
            *,
            after_case_qty + coalesce(if(
                (layer_size - after_case_qty % layer_size) % layer_size * 100 <= cast(level_share_percent as bigint) * layer_size,
                (layer_size - after_case_qty % layer_size) % layer_size
            ), 0) as after_layer_qty
        from cased
    ),
    levelled as (
        select
            *,
            after_layer_qty + coalesce(if(
                (pallet_size - after_layer_qty % pallet_size) % pallet_size * 100 <= cast(level_share_percent as bigint) * pallet_size,
                (pallet_size - after_layer_qty % pallet_size) % pallet_size
            ), 0) as after_level_qty
        from layered
    ),
    -- when off: levels
    levelled as (select *, after_pack_qty as after_level_qty from packed),
    -- end

    -- step: maximum. First the level goes, then packs; what is left is at least the MOQ, or nothing is ordered.
    -- when on: maximum
    capped as (
        select
            *,
            case
                when after_level_qty is null or max_order_qty is null or after_level_qty <= max_order_qty then after_level_qty
                when after_pack_qty <= max_order_qty then after_pack_qty
                when max_order_qty >= pack_size and max_order_qty - max_order_qty % nullif(pack_size, 0) >= moq
                    then max_order_qty - max_order_qty % nullif(pack_size, 0)
            end as after_maximum_qty
        from levelled
    ),
    -- when off: maximum
    capped as (select *, after_level_qty as after_maximum_qty from levelled),
    -- end

    -- step: holds. A line whose SKU has a spike is planned and not released, where that is set.
    -- when on: spike
    watched as (
        select capped.*, $third_largest_qty as third_largest_qty
        from capped
        left join windows on windows.sku = capped.sku
    ),
    held as (select *, stop_reason is null and is_held_on_spike and $is_spike as is_spike_held from watched),
    -- when off: spike
    held as (select *, false as is_spike_held from capped),
    -- end

    sized as (
        select
            *,
            stop_reason is null and not is_spike_held and try_cast(after_maximum_qty as bigint) is not null as is_candidate
        from held
    ),

    -- step: currency. One order has one: the supplier's own where a line has it, else that of most lines.
    -- when on: currency
    counted as (
        select
            *,
            count_if(is_candidate) over (partition by supplier_id, currency) as currency_line_count
        from sized
    ),
    priced as (
        select
            *,
            if(
                is_candidate,
                max_by(currency, if(is_candidate, row(currency = supplier_currency, currency_line_count, currency)))
                    over (partition by supplier_id)
            ) as order_currency
        from counted
    ),
    -- when off: currency
    priced as (select *, if(is_candidate, currency) as order_currency from sized),
    -- end

    decided as (
        select
            *,
            case
                when stop_reason is not null then stop_reason
                when after_maximum_qty is null then 'above_maximum'
                when try_cast(after_maximum_qty as bigint) is null then 'overflow'
                when is_spike_held then 'held_spike'
                when currency <> order_currency then 'other_currency'
                else 'ordered'
            end as line_outcome
        from priced
    ),

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
    -- by whole days of cover before them, from the day of the first one on; -1 is all of less than none. How many packs a day has is
    -- arithmetic, so that their number has no limit
    lot_starts as (
        select
            *,
            cast(least($fill_max_days - 1, greatest(
                -1, (start_units - (start_units % window_qty + window_qty) % window_qty) / window_qty
            )) as bigint) as first_day
        from lots
        where start_units < $fill_max_days * window_qty
    ),
    lot_days as (
        select
            lot_starts.*,
            cover_day,
            lot_qty * greatest($published_days, 1) as step_units,
            if(cover_day < 0, 0, greatest(0, cover_day * window_qty - start_units)) as from_units,
            greatest(0, (cover_day + 1) * window_qty - start_units) as to_units
        from lot_starts
        cross join unnest(sequence(first_day, if(is_first, first_day, $fill_max_days - 1))) as days (cover_day)
    ),
    counted_lots as (
        select
            *,
            least(most_lots, (from_units + (step_units - from_units % step_units) % step_units) / step_units) as earlier_lots,
            least(most_lots, (to_units + (step_units - to_units % step_units) % step_units) / step_units) as through_lots
        from lot_days
    ),
    day_sums as (
        select
            *,
            through_lots - earlier_lots as lot_count,
            sum((through_lots - earlier_lots) * lot_qty * unit_cost) over through_day as through_value,
            sum((through_lots - earlier_lots) * lot_qty) over through_day as through_units,
            sum((through_lots - earlier_lots) * lot_qty * unit_cost) over (partition by supplier_id, cover_day) as day_value,
            sum((through_lots - earlier_lots) * lot_qty) over (partition by supplier_id, cover_day) as day_units,
            sum((through_lots - earlier_lots) * lot_qty * unit_cost) over (partition by supplier_id) as all_value,
            sum((through_lots - earlier_lots) * lot_qty) over (partition by supplier_id) as all_units
        from counted_lots
        where through_lots > earlier_lots
        window through_day as (partition by supplier_id order by cover_day)
    ),
    -- up to the day that reaches the minimum: those before it are taken whole
    taken_days as (
        select
            *,
            through_value < short_value or through_units < short_units as is_taken_whole
        from day_sums
        where all_value >= short_value and all_units >= short_units
            and (through_value - day_value < short_value or through_units - day_units < short_units)
    ),
    -- of the day that reaches it, pack by pack (no SKU sells 100 million packs a day); `k` counts a SKU's lots of the day
    single_lots as (
        select
            taken_days.*,
            block * 10000 + n as k,
            if(is_taken_whole, lot_count, 1) as taken_lots,
            start_units + (earlier_lots + block * 10000 + n - 1) * step_units as cover_units
        from taken_days
        cross join unnest(sequence(0, if(
            is_taken_whole, 0,
            cast((least(lot_count, 100000000) - 1 - (least(lot_count, 100000000) - 1) % 10000) / 10000 as bigint)
        ))) as blocks (block)
        cross join unnest(sequence(1, if(
            is_taken_whole, 1,
            cast(least(lot_count - block * 10000, 10000) as bigint)
        ))) as single (n)
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
            sum(taken_lots * lot_qty * unit_cost) over added_before as value_before,
            sum(taken_lots * lot_qty) over added_before as units_before
        from ranked_lots
        window added_before as (
            partition by supplier_id order by cover_day, cover_days, cover_parts, sku, is_first desc, k
            rows between unbounded preceding and 1 preceding
        )
    ),
    day_fills as (
        select
            sku,
            cover_day,
            bool_or(is_first) as is_first,
            lot_qty,
            sum(taken_lots) as taken_lots
        from filling
        where coalesce(value_before, 0) < short_value or coalesce(units_before, 0) < short_units
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

select
    sku,
    product_name,
    product_status,
    is_planned,
    cast(policy as varchar) as policy,
    cast(policy_source as varchar) as policy_source,
    policy_fallback,
    cast(outcome as varchar) as outcome,
    cast(if(is_spike_held, 'demand_spike', hold_reason) as varchar) as hold_reason,
    supplier_id,
    supplier_name,
    cast(supplier_priority as integer) as supplier_priority,
    cast(no_supplier_reason as varchar) as no_supplier_reason,
    passed_over_supplier_id,
    cast(pack_size as bigint) as pack_size,
    cast(pack_size_source as varchar) as pack_size_source,
    cast(moq as bigint) as moq,
    cast(moq_source as varchar) as moq_source,
    -- when on: maximum
    cast(max_order_qty as bigint) as max_order_qty,
    -- when off: maximum
    cast(null as bigint) as max_order_qty,
    -- end
    cast(unit_cost as decimal(12,2)) as unit_cost,
    currency,
    order_currency,
    cast(lead_time_days as integer) as lead_time_days,
    cast(lead_time_source as varchar) as lead_time_source,
    coalesce(cast(lead_time_unit as varchar), '$lead_time') as lead_time_unit,
    invalid_terms,
    is_order_day,
    next_order_date,
    -- requirement, plus safety stock, less position: the need
    if(policy = 'order_up_to', cast(horizon_days as integer)) as horizon_days,
    try_cast(window_demand_qty as bigint) as window_demand_qty,
    window_days,
    try_cast(on_order_qty as bigint) as on_order_qty,
    try_cast(requirement_qty as bigint) as requirement_qty,
    safety_stock_qty,
    free_qty as position_qty,
    try_cast(need_qty as bigint) as net_demand_qty,
    -- each step's quantity, and what it added; a line that only fills an order up begins with that
    if(is_filler, 0, try_cast(after_moq_qty as bigint)) as after_moq_qty,
    if(is_filler, 0, try_cast(after_moq_qty - need_qty as bigint)) as moq_excess_qty,
    if(is_filler, 0, try_cast(after_pack_qty as bigint)) as after_pack_qty,
    if(is_filler, 0, try_cast(after_pack_qty - after_moq_qty as bigint)) as pack_excess_qty,
    if(is_filler, 0, try_cast(after_level_qty as bigint)) as after_level_qty,
    if(is_filler, 0, try_cast(after_level_qty - after_pack_qty as bigint)) as level_excess_qty,
    if(is_filler, 0, try_cast(after_maximum_qty as bigint)) as after_maximum_qty,
    if(is_filler, 0, try_cast(after_maximum_qty - after_level_qty as bigint)) as maximum_excess_qty,
    try_cast(after_fill_qty as bigint) as after_fill_qty,
    try_cast(after_fill_qty - if(is_filler, 0, after_maximum_qty) as bigint) as fill_excess_qty,
    fill_note,
    minimum_status,
    cast(
        case
            when outcome <> 'ordered' then null
            when is_filler or after_fill_qty > after_maximum_qty then 'fill'
            when after_maximum_qty < after_level_qty then 'maximum'
            when after_level_qty > after_pack_qty then 'level'
            when after_pack_qty > after_moq_qty then 'pack'
            when after_moq_qty > need_qty then 'moq'
            else 'need'
        end as varchar
    ) as bound_by,
    if(outcome = 'ordered', cast(after_fill_qty as bigint), 0) as order_qty,
    if(outcome = 'ordered', cast(after_fill_qty as bigint) / pack_size, 0) as packs,
    if(outcome = 'ordered', cast(cast(after_fill_qty as bigint) * unit_cost as decimal(38,2))) as line_cost,
    if(outcome = 'ordered', planned_due_date) as due_date,
    case
        when outcome <> 'overflow' then null
        when overflow is not null then overflow
        when after_maximum_qty is null then format('need %s', need_qty)
        else format('need %s, MOQ %s, pack size %s: order %s', need_qty, moq, pack_size, after_maximum_qty)
    end as overflow
from settled
