-- sql/planning/order_decisions/5_quantity.sql
-- From the need to what is ordered of a SKU by itself: its outcome, MOQ, packs, levels, maximum, spike, cost.

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
            stop_reason is null and not is_spike_held and after_maximum_qty is not null
                and try_cast(after_level_qty as bigint) is not null as is_candidate
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
                -- the largest of the steps, which are all stored: a maximum below it is no reason to order from an absurd need
                when try_cast(after_level_qty as bigint) is null then 'overflow'
                when after_maximum_qty is null then 'above_maximum'
                when is_spike_held then 'held_spike'
                when currency <> order_currency then 'other_currency'
                else 'ordered'
            end as line_outcome
        from priced
    ),
