-- sql/planning/order_decisions/2_terms.sql
-- Who supplies a SKU, and on which terms: pack, minimum, cost, lead time, policy; from the most particular row that has one.

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
