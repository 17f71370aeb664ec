-- sql/planning/order_decisions/model.sql
-- Purpose   What is ordered of each SKU, from whom, on which terms, and why: every step of the decision stores its result.
-- Grain     sku: every SKU of net_demand, in exactly one outcome
-- Reads     planning.net_demand, staging.products, staging.product_suppliers, staging.suppliers, staging.replenishment_rules
-- Formula   order_qty = ceil(max(net_demand, moq) / pack_size) * pack_size, where net_demand > 0
-- Try it    ./submit.sh purchase_orders 2017-12-23

with
    net_demand        as (select * from $net_demand where business_date = date '$business_date'),
    products          as (select * from $products where business_date = date '$business_date'),
    product_suppliers as (select * from $product_suppliers where business_date = date '$business_date'),
    suppliers         as (select * from $suppliers where business_date = date '$business_date'),
    rules             as (select * from $replenishment_rules where business_date = date '$business_date'),

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
                        priority, pack_size, moq, unit_cost, currency, lead_time_days
                    ),
                    row(priority, supplier_id, valid_from)
                ) filter (where is_valid and is_active)
                as row(
                    supplier_id varchar, supplier_name varchar, supplier_currency varchar, supplier_lead_time_days integer,
                    priority integer, pack_size integer, moq bigint, unit_cost decimal(12,2), currency varchar,
                    lead_time_days integer
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
            net_demand.*,
            products.name as product_name,
            -- every part of the offer is NULL where there is none
            chosen.offer.supplier_id as supplier_id,
            chosen.offer.supplier_name as supplier_name,
            chosen.offer.priority as supplier_priority,
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
            end as lead_time_source
        from net_demand
        left join products on products.sku = net_demand.sku
        left join rules on rules.sku = net_demand.sku
        left join chosen on chosen.sku = net_demand.sku
    ),

    judged_terms as (
        select
            *,
            nullif(
                concat_ws(
                    ', ',
                    case when pack_size is null then 'no pack size' when pack_size < 1 then format('pack size %s', pack_size) end,
                    case when moq is null then 'no MOQ' when moq < 1 then format('MOQ %s', moq) end,
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
        from terms
    ),

    -- step: status, holds, need. The first reason that keeps a SKU from being ordered is its outcome; NULL goes on.
    stopped as (
        select
            *,
            case
                when product_status is null then 'unknown_sku'
                when not is_planned then 'not_planned'
                when hold_reason is not null then 'held'
                when overflow is not null then 'overflow'
                when net_demand_qty = 0 then 'enough_stock'
                when supplier_id is null then 'no_supplier'
                when invalid_terms is not null then 'invalid_terms'
            end as stop_reason
        from judged_terms
    ),

    -- step: MOQ. Quantities are decimal(38,0) until the last one is known to fit.
    lifted as (
        select
            *,
            case
                when stop_reason is null then greatest(cast(net_demand_qty as decimal(38,0)), cast(moq as decimal(38,0)))
            end as after_moq_qty
        from stopped
    ),

    -- step: pack, always upward, by remainder: a division of decimals would round
    packed as (
        select
            *,
            after_moq_qty + (pack_size - after_moq_qty % nullif(pack_size, 0)) % nullif(pack_size, 0) as after_pack_qty
        from lifted
    ),

    sized as (
        select
            *,
            stop_reason is null and try_cast(after_pack_qty as bigint) is not null as is_candidate
        from packed
    ),

    -- step: currency. One order has one: the supplier's own where a line has it, else that of most lines.
    counted as (
        select
            *,
            count_if(is_candidate) over (partition by supplier_id, currency) as currency_line_count
        from sized
    ),

    priced as (
        select
            *,
            max_by(currency, if(is_candidate, row(currency = supplier_currency, currency_line_count, currency)))
                over (partition by supplier_id) as order_currency
        from counted
    ),

    decided as (
        select
            *,
            case
                when stop_reason is not null then stop_reason
                when not is_candidate then 'overflow'
                when currency <> order_currency then 'other_currency'
                else 'ordered'
            end as outcome
        from priced
    )

select
    sku,
    product_name,
    product_status,
    is_planned,
    cast('formula' as varchar) as policy,
    cast(outcome as varchar) as outcome,
    supplier_id,
    supplier_name,
    cast(supplier_priority as integer) as supplier_priority,
    cast(no_supplier_reason as varchar) as no_supplier_reason,
    passed_over_supplier_id,
    cast(pack_size as bigint) as pack_size,
    cast(pack_size_source as varchar) as pack_size_source,
    cast(moq as bigint) as moq,
    cast(moq_source as varchar) as moq_source,
    cast(unit_cost as decimal(12,2)) as unit_cost,
    currency,
    order_currency,
    cast(lead_time_days as integer) as lead_time_days,
    cast(lead_time_source as varchar) as lead_time_source,
    invalid_terms,
    -- requirement, plus safety stock, less position: the need
    demand_qty as requirement_qty,
    safety_stock_qty,
    free_qty as position_qty,
    net_demand_qty,
    -- each step's quantity, and what it added
    try_cast(after_moq_qty as bigint) as after_moq_qty,
    try_cast(after_moq_qty - net_demand_qty as bigint) as moq_excess_qty,
    try_cast(after_pack_qty as bigint) as after_pack_qty,
    try_cast(after_pack_qty - after_moq_qty as bigint) as pack_excess_qty,
    cast(
        case
            when outcome <> 'ordered' then null
            when after_pack_qty > after_moq_qty then 'pack'
            when after_moq_qty > net_demand_qty then 'moq'
            else 'need'
        end as varchar
    ) as bound_by,
    if(outcome = 'ordered', cast(after_pack_qty as bigint), 0) as order_qty,
    if(outcome = 'ordered', cast(after_pack_qty as bigint) / pack_size, 0) as packs,
    if(outcome = 'ordered', cast(cast(after_pack_qty as bigint) * unit_cost as decimal(38,2))) as line_cost,
    if(outcome = 'ordered', date_add('day', lead_time_days, date '$business_date')) as due_date,
    case
        when outcome <> 'overflow' then null
        when overflow is not null then overflow
        else format('need %s, MOQ %s, pack size %s: order %s', net_demand_qty, moq, pack_size, after_pack_qty)
    end as overflow
from decided
