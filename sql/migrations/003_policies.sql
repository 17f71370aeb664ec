-- sql/migrations/003_policies.sql
-- Purpose   What may differ from the settings for a supplier, a SKU or one supplier's SKU: policy, pack levels, maximum,
--           supplier minimum, hold on spike; and the calendars of the suppliers and the receiver.
-- Rule      NULL is "not set": what the settings say then counts. A SKU's own word goes before its supplier's.
-- Twice     Every statement may be applied again and changes nothing.

alter table procurement.suppliers
    add column if not exists policy text
        constraint suppliers_policy_is_known check (policy in ('formula', 'order_up_to')),
    add column if not exists order_weekdays text
        constraint suppliers_order_weekdays_are_iso_days check (order_weekdays ~ '^1?2?3?4?5?6?7?$' and order_weekdays <> ''),
    add column if not exists lead_time_unit text
        constraint suppliers_lead_time_unit_is_known check (lead_time_unit in ('calendar', 'working')),
    add column if not exists level_share_percent integer
        constraint suppliers_level_share_is_a_percentage check (level_share_percent between 0 and 100),
    add column if not exists is_held_on_spike boolean,
    add column if not exists minimum_order_value numeric(14, 2)
        constraint suppliers_minimum_order_value_is_positive check (minimum_order_value > 0 and minimum_order_value <> 'NaN'),
    add column if not exists minimum_order_units bigint
        constraint suppliers_minimum_order_units_are_positive check (minimum_order_units > 0),
    add column if not exists minimum_action text
        constraint suppliers_minimum_action_is_known check (minimum_action in ('off', 'flag', 'hold', 'fill'));
comment on column procurement.suppliers.policy is 'How needs are found: formula or order_up_to; NULL takes the setting planning.policy';
comment on column procurement.suppliers.order_weekdays is 'Weekdays on which it takes orders, 1 is Monday, such as 135; NULL is every day. Single days: calendar_days';
comment on column procurement.suppliers.lead_time_unit is 'Its lead times count calendar or working days; NULL takes the setting planning.lead_time';
comment on column procurement.suppliers.level_share_percent is 'A quantity that lacks at most so many percent of a pack level is rounded up to it, 0 never; NULL takes the setting';
comment on column procurement.suppliers.is_held_on_spike is 'true: its lines with a demand spike are planned and not released; NULL takes the setting planning.hold_on_spike';
comment on column procurement.suppliers.minimum_order_value is 'Purchase cost that one order must reach, in the currency of the order; NULL is no minimum';
comment on column procurement.suppliers.minimum_order_units is 'Base units that one order must reach; NULL is no minimum';
comment on column procurement.suppliers.minimum_action is 'What becomes of an order below the minimum: off, flag, hold or fill; NULL takes the setting planning.supplier_minimum';

alter table procurement.replenishment_rules
    add column if not exists policy text
        constraint replenishment_rules_policy_is_known check (policy in ('formula', 'order_up_to')),
    add column if not exists level_share_percent integer
        constraint replenishment_rules_level_share_is_a_percentage check (level_share_percent between 0 and 100),
    add column if not exists max_order_qty bigint
        constraint replenishment_rules_max_order_qty_is_not_negative check (max_order_qty >= 0),
    add column if not exists is_held_on_spike boolean;
comment on column procurement.replenishment_rules.policy is 'How the need is found: formula or order_up_to; NULL takes the supplier''s or the setting';
comment on column procurement.replenishment_rules.level_share_percent is 'As of suppliers, for this SKU alone';
comment on column procurement.replenishment_rules.max_order_qty is 'Base units that one order of the SKU may never pass, 0 orders nothing; NULL is no maximum';
comment on column procurement.replenishment_rules.is_held_on_spike is 'As of suppliers, for this SKU alone';

alter table procurement.product_suppliers
    add column if not exists policy text
        constraint product_suppliers_policy_is_known check (policy in ('formula', 'order_up_to')),
    add column if not exists case_size integer
        constraint product_suppliers_case_size_is_positive check (case_size > 0),
    add column if not exists layer_size integer
        constraint product_suppliers_layer_size_is_positive check (layer_size > 0),
    add column if not exists pallet_size integer
        constraint product_suppliers_pallet_size_is_positive check (pallet_size > 0),
    add column if not exists level_share_percent integer
        constraint product_suppliers_level_share_is_a_percentage check (level_share_percent between 0 and 100),
    add column if not exists max_order_qty bigint
        constraint product_suppliers_max_order_qty_is_not_negative check (max_order_qty >= 0);
comment on column procurement.product_suppliers.policy is 'How the need is found while this supplier is chosen; NULL takes the supplier''s or the setting';
comment on column procurement.product_suppliers.case_size is 'Base units in one case, a multiple of the pack; NULL has none';
comment on column procurement.product_suppliers.layer_size is 'Base units in one layer of a pallet, a multiple of the pack; NULL has none';
comment on column procurement.product_suppliers.pallet_size is 'Base units on one pallet, a multiple of the pack; NULL has none';
comment on column procurement.product_suppliers.level_share_percent is 'As of suppliers, for this SKU of this supplier';
comment on column procurement.product_suppliers.max_order_qty is 'Base units that one order of the SKU from this supplier may never pass; NULL is no maximum';

create table if not exists procurement.calendar_days (
    party_kind text not null,
    party_id text not null,
    day date not null,
    is_order_day boolean,
    is_working_day boolean not null default false,
    reason text,
    constraint calendar_days_pkey primary key (party_kind, party_id, day),
    constraint calendar_days_party_kind_is_known check (party_kind in ('supplier', 'receiver')),
    constraint calendar_days_party_id_is_given check (party_id <> ''),
    constraint calendar_days_receiver_is_one check (party_kind <> 'receiver' or party_id = 'network'),
    constraint calendar_days_day_is_finite check (isfinite(day))
);
comment on table procurement.calendar_days is 'Days that are not as usual: closures and holidays of a supplier or of the receiver, order days out of turn';
comment on column procurement.calendar_days.party_kind is 'Whose day it is: supplier, or receiver (we)';
comment on column procurement.calendar_days.party_id is 'The supplier_id; of the receiver: network';
comment on column procurement.calendar_days.day is 'The day';
comment on column procurement.calendar_days.is_order_day is 'Whether an order may be placed on it; NULL is as usual: suppliers.order_weekdays, of the receiver every day';
comment on column procurement.calendar_days.is_working_day is 'Whether it counts in lead times (of a supplier), or goods are taken in and stores sell (of the receiver); days not listed do';
comment on column procurement.calendar_days.reason is 'Why, such as the name of a holiday; NULL is not said';
