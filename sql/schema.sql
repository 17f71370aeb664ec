-- sql/schema.sql
-- Purpose   The whole PostgreSQL schema, made from sql/migrations/ by: python -m common.migrate
-- Usage     psql "$DATABASE_URL" --single-transaction -v ON_ERROR_STOP=1 -f sql/schema.sql
-- Twice     Applying it again changes nothing. Any stage applies what is missing by itself.

create schema if not exists ops;
comment on schema ops is 'What the pipeline did: runs, stages, migrations';
create table if not exists ops.migrations (
    number integer primary key,
    name text not null,
    sha256 text not null,
    applied_at timestamptz not null default now()
);
comment on table ops.migrations is 'Steps of the schema that were applied';
comment on column ops.migrations.number is 'Number of the step, from 1';
comment on column ops.migrations.name is 'File in sql/migrations';
comment on column ops.migrations.sha256 is 'SHA-256 of the file as it was applied';
comment on column ops.migrations.applied_at is 'When it was applied';

-- sql/migrations/001_procurement.sql
-- Purpose   Master data: what is sold, who supplies it on which terms, what must be kept, which stores and warehouses exist.
-- Rule      Quantities are whole base units, money is decimal. Where SQL can say that master data is wrong, it does.
-- Twice     Every statement may be applied again and changes nothing; so sql/schema.sql may be, too.

create schema if not exists procurement;
comment on schema procurement is 'Master data of the procurement pipeline; each business date plans from a snapshot of it';

-- An exclusion constraint compares ranges; text has no built-in range type, and PostgreSQL builds without the
-- extension btree_gist can't compare plain columns in one. A range from a value to itself overlaps only its equal.
do $$
begin
    if to_regtype('procurement.text_range') is null then
        create type procurement.text_range as range (subtype = text, collation = "C");
    end if;
end
$$;
comment on type procurement.text_range is 'Lets an exclusion constraint compare texts without the extension btree_gist';

create table if not exists procurement.products (
    sku text constraint products_pkey primary key,
    name text not null default '',
    department text,
    category text,
    base_unit text not null default 'each',
    pack_size integer,
    status text not null default 'active',
    constraint products_sku_is_clean check (sku <> '' and sku = btrim(sku) and sku !~ '[\u0001-\u001F\u007F-\u009F]' and octet_length(sku) <= 100),
    constraint products_base_unit_is_named check (base_unit <> ''),
    constraint products_pack_size_is_positive check (pack_size > 0),
    constraint products_status_is_known check (status in ('active', 'run_out', 'blocked'))
);
comment on table procurement.products is 'One stock keeping unit that stores may order';
comment on column procurement.products.sku is 'Stock keeping unit: the name of the product in every raw file';
comment on column procurement.products.name is 'What people call it';
comment on column procurement.products.department is 'Department of the store that sells it; NULL is not known';
comment on column procurement.products.category is 'Category within the department; NULL is not known';
comment on column procurement.products.base_unit is 'What one unit of every quantity is, such as each, kg or 0.001 gal';
comment on column procurement.products.pack_size is 'Base units in one orderable pack; NULL is not known yet: not ordered until it is set here or with the supplier';
comment on column procurement.products.status is 'active: planned; run_out: sold until gone, never ordered; blocked: never ordered';

create table if not exists procurement.suppliers (
    supplier_id text constraint suppliers_pkey primary key,
    name text not null default '',
    is_active boolean not null default true,
    lead_time_days integer not null,
    currency text,
    email text,
    constraint suppliers_id_is_a_file_name check (
        supplier_id <> '' and supplier_id = btrim(supplier_id) and supplier_id !~ '[\u0001-\u001F\u007F-\u009F/\\:]'
        and position('..' in supplier_id) = 0 and left(supplier_id, 1) <> '.' and octet_length(supplier_id) <= 100
    ),
    constraint suppliers_lead_time_is_not_negative check (lead_time_days >= 0),
    constraint suppliers_currency_is_iso_4217 check (currency ~ '^[A-Z]{3}$')
);
comment on table procurement.suppliers is 'One company that goods are ordered from';
comment on column procurement.suppliers.supplier_id is 'Short name of the supplier: part of order numbers and of order file names, so without / \ : .. and control characters';
comment on column procurement.suppliers.name is 'Name on the order';
comment on column procurement.suppliers.is_active is 'false: takes no orders; its SKUs go to the next supplier by priority';
comment on column procurement.suppliers.lead_time_days is 'Days from order to delivery, where product_suppliers says nothing else';
comment on column procurement.suppliers.currency is 'ISO 4217 code of its purchase costs; NULL is the business currency';
comment on column procurement.suppliers.email is 'Where questions about an order go; NULL is not known';

create table if not exists procurement.replenishment_rules (
    sku text constraint replenishment_rules_pkey primary key
        constraint replenishment_rules_sku_is_a_product references procurement.products (sku),
    moq bigint,
    safety_stock bigint,
    constraint replenishment_rules_moq_is_positive check (moq > 0),
    constraint replenishment_rules_safety_stock_is_not_negative check (safety_stock >= 0)
);
comment on table procurement.replenishment_rules is 'What must be kept and ordered at least of one SKU, for the whole network';
comment on column procurement.replenishment_rules.sku is 'The SKU that the rule is for';
comment on column procurement.replenishment_rules.moq is 'Minimum order quantity in base units, where product_suppliers says nothing else; NULL is not known: not ordered';
comment on column procurement.replenishment_rules.safety_stock is 'Base units that must remain over all warehouses; NULL is not set (the warehouses'' own figures count), 0 is zero';

create table if not exists procurement.product_suppliers (
    sku text not null constraint product_suppliers_sku_is_a_product references procurement.products (sku),
    supplier_id text not null constraint product_suppliers_supplier_exists references procurement.suppliers (supplier_id),
    priority integer not null default 1,
    valid_from date not null,
    valid_to date,
    pack_size integer,
    moq bigint,
    unit_cost numeric(12, 2) not null,
    currency text,
    lead_time_days integer,
    constraint product_suppliers_pkey primary key (sku, supplier_id, valid_from),
    constraint product_suppliers_priority_is_positive check (priority >= 1),
    constraint product_suppliers_valid_days_are_finite check (isfinite(valid_from) and isfinite(valid_to)),
    constraint product_suppliers_valid_to_is_not_before_valid_from check (valid_to >= valid_from),
    constraint product_suppliers_pack_size_is_positive check (pack_size > 0),
    constraint product_suppliers_moq_is_positive check (moq > 0),
    constraint product_suppliers_unit_cost_is_not_negative check (unit_cost >= 0 and unit_cost <> 'NaN'),
    constraint product_suppliers_currency_is_iso_4217 check (currency ~ '^[A-Z]{3}$'),
    constraint product_suppliers_lead_time_is_not_negative check (lead_time_days >= 0),
    constraint product_suppliers_one_supplier_a_priority_and_day exclude using gist (
        procurement.text_range(sku, sku, '[]') with &&,
        int8range(priority, priority, '[]') with &&,
        daterange(valid_from, valid_to, '[]') with &&
    )
);
comment on table procurement.product_suppliers is 'Who supplies a SKU, on which days, in which order of preference and on which terms';
comment on column procurement.product_suppliers.sku is 'The SKU that is supplied';
comment on column procurement.product_suppliers.supplier_id is 'The supplier of it';
comment on column procurement.product_suppliers.priority is '1 is asked first; no two suppliers of a SKU share a priority on one day';
comment on column procurement.product_suppliers.valid_from is 'First business date on which it may be ordered there (inclusive)';
comment on column procurement.product_suppliers.valid_to is 'Last business date on which it may be ordered there (inclusive); NULL is open';
comment on column procurement.product_suppliers.pack_size is 'Base units in one pack of this supplier; NULL takes products.pack_size';
comment on column procurement.product_suppliers.moq is 'Minimum order quantity of this supplier in base units; NULL takes replenishment_rules.moq';
comment on column procurement.product_suppliers.unit_cost is 'Purchase cost of one base unit in the currency, never a retail price';
comment on column procurement.product_suppliers.currency is 'ISO 4217 code of unit_cost; NULL takes suppliers.currency';
comment on column procurement.product_suppliers.lead_time_days is 'Days from order to delivery of this SKU; NULL takes suppliers.lead_time_days';

-- Foreign keys are checked from the other end too: without this, removing a supplier reads every row.
create index if not exists product_suppliers_by_supplier on procurement.product_suppliers (supplier_id);

create table if not exists procurement.stores (
    store_id text constraint stores_pkey primary key,
    name text not null default '',
    is_active boolean not null default true,
    constraint stores_id_is_clean check (store_id <> '' and store_id = btrim(store_id) and store_id !~ '[\u0001-\u001F\u007F-\u009F]' and octet_length(store_id) <= 100)
);
comment on table procurement.stores is 'One store that sends orders';
comment on column procurement.stores.store_id is 'The name of the store in raw order files';
comment on column procurement.stores.name is 'What people call it';
comment on column procurement.stores.is_active is 'false: closed; its orders are still known';

create table if not exists procurement.warehouses (
    warehouse_id text constraint warehouses_pkey primary key,
    name text not null default '',
    is_active boolean not null default true,
    constraint warehouses_id_is_clean check (warehouse_id <> '' and warehouse_id = btrim(warehouse_id) and warehouse_id !~ '[\u0001-\u001F\u007F-\u009F]' and octet_length(warehouse_id) <= 100)
);
comment on table procurement.warehouses is 'One warehouse that sends a stock snapshot a day';
comment on column procurement.warehouses.warehouse_id is 'The name of the warehouse in raw stock files';
comment on column procurement.warehouses.name is 'What people call it';
comment on column procurement.warehouses.is_active is 'false: closed; no snapshot is expected from it';

insert into ops.migrations (number, name, sha256)
values (1, '001_procurement.sql', '93b50245e9df4f986f5f3e8c8c2f227bd88029b3e05fb3fece3f28ea3fefc2ef')
on conflict (number) do nothing;

-- The ledger: what ran, on which inputs, with which result, and what it published.
create schema if not exists ops;
comment on schema ops is 'The ledger of the pipeline: a row a run, a row a stage';

create table if not exists ops.runs (
    run_id        bigint generated always as identity primary key,
    business_date date not null,
    command       text not null,
    options       jsonb not null default '{}',
    code_version  text not null,
    settings_hash text not null,
    status        text not null default 'running' check (status in ('running', 'succeeded', 'failed', 'abandoned')),
    exit_code     integer,
    error         text,
    host          text not null,
    pid           integer not null,
    backend_pid   integer not null,
    started_at    timestamptz not null default clock_timestamp(),
    ended_at      timestamptz
);
create index if not exists runs_by_date on ops.runs (business_date, run_id);
comment on table ops.runs is 'One row for each run of a command for one business date';
comment on column ops.runs.run_id is 'Number of the run; names its private directories';
comment on column ops.runs.business_date is 'Business date D';
comment on column ops.runs.command is 'Command that was typed: a stage, or all';
comment on column ops.runs.options is 'Options of the command line that differ from the defaults';
comment on column ops.runs.code_version is 'SHA-256 of the code and SQL that decided';
comment on column ops.runs.settings_hash is 'SHA-256 of all settings in force';
comment on column ops.runs.status is 'running, succeeded, failed, or abandoned: its process ended without a word';
comment on column ops.runs.exit_code is 'Exit code of the command, after sysexits.h';
comment on column ops.runs.error is 'What was printed when it failed';
comment on column ops.runs.host is 'Machine of the driver';
comment on column ops.runs.pid is 'Process of the driver on that machine';
comment on column ops.runs.backend_pid is 'PostgreSQL session that holds the lock of the date';
comment on column ops.runs.started_at is 'Start, UTC';
comment on column ops.runs.ended_at is 'End, UTC; null while it runs';

create table if not exists ops.stages (
    run_id      bigint not null references ops.runs,
    stage       text not null,
    status      text not null check (status in ('running', 'publishing', 'succeeded', 'failed', 'abandoned')),
    fingerprint text not null,
    inputs      jsonb not null default '[]',
    tables      jsonb not null default '{}',
    rows        jsonb not null default '{}',
    notes       jsonb not null default '{}',
    error       text,
    started_at  timestamptz not null default clock_timestamp(),
    ended_at    timestamptz,
    primary key (run_id, stage)
);
comment on table ops.stages is 'One row for each stage that a run executed; a stage that was current already has none';
comment on column ops.stages.run_id is 'The run';
comment on column ops.stages.stage is 'Name of the stage, as in jobs/<stage>.py';
comment on column ops.stages.status is 'running; publishing: built and audited, its flip under way; succeeded, failed, abandoned';
comment on column ops.stages.fingerprint is 'SHA-256 of its inputs, code and settings: equal ones need no rerun';
comment on column ops.stages.inputs is 'Inputs pinned at its start: name, location, fingerprint';
comment on column ops.stages.tables is 'Directory in HDFS of each table it wrote';
comment on column ops.stages.rows is 'Rows by outcome, such as read, accepted, rejected, set_aside, duplicates';
comment on column ops.stages.notes is 'What else is worth keeping: counts a file, drift, output place';
comment on column ops.stages.error is 'What was printed when it failed';
comment on column ops.stages.started_at is 'Start, UTC';
comment on column ops.stages.ended_at is 'End, UTC; null while it runs';

insert into ops.migrations (number, name, sha256)
values (2, '002_ops.sql', '9c8b77b7b82e9af787d15eda4aa857e21fe91c8d635162d23387e36a9aed84d6')
on conflict (number) do nothing;

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

insert into ops.migrations (number, name, sha256)
values (3, '003_policies.sql', '47df76909d5cc59d8849745e1cb4a206b6bf6aec645de7f1a038fed5b8bffd48')
on conflict (number) do nothing;

-- sql/migrations/004_supplier_files.sql
-- Purpose   Every supplier's orders can be a file of their own, on any file system: what the export would refuse at night
--           is refused when the supplier is entered.
-- Rule      As common/publish/order_files.py names the files: other characters than letters, digits and . _ - of ASCII are
--           percent-encoded byte by byte, a name has at most 255 bytes (.json and an encoded first character are 7 of
--           them), and file systems that ignore case must not make two names one.
-- Twice     Every statement may be applied again and changes nothing.

create unique index if not exists suppliers_id_differs_in_more_than_case
    on procurement.suppliers (lower(supplier_id collate "C"));

alter table procurement.suppliers
    drop constraint if exists suppliers_id_fits_into_a_file_name,
    add constraint suppliers_id_fits_into_a_file_name check (
        octet_length(supplier_id) + 2 * octet_length(regexp_replace(supplier_id collate "C", '[A-Za-z0-9._-]', '', 'g')) <= 248
    );
comment on column procurement.suppliers.supplier_id is 'Short name of the supplier: part of order numbers and of order file names, so without / \ : .. and control characters, and not another one''s in other case';

insert into ops.migrations (number, name, sha256)
values (4, '004_supplier_files.sql', 'fc8101f24ba4404f9868a7ec686dd045dd63e4b152985aa1d4b7d9afa1d83a2c')
on conflict (number) do nothing;

-- sql/migrations/005_settings_that_fill_in.sql
-- Purpose   The comments of minimums and maximums say what NULL has come to mean: not "none", but what a setting says.
-- Rule      As docs/options.md: the word of the SKU, of the supplier's SKU, of the supplier, then the setting.
-- Twice     Every statement may be applied again and changes nothing.

comment on column procurement.suppliers.minimum_order_value is 'Purchase cost that one order must reach, in the currency of the order; NULL takes the setting planning.minimum_order_value';
comment on column procurement.suppliers.minimum_order_units is 'Base units that one order must reach; NULL takes the setting planning.minimum_order_units';
comment on column procurement.replenishment_rules.max_order_qty is 'Base units that one order of the SKU may never pass, 0 orders nothing; where product_suppliers has one, too, the lower one holds, where neither has one the setting planning.max_order_qty';
comment on column procurement.product_suppliers.max_order_qty is 'Base units that one order of the SKU from this supplier may never pass, 0 orders nothing; where replenishment_rules has one, too, the lower one holds, where neither has one the setting planning.max_order_qty';

insert into ops.migrations (number, name, sha256)
values (5, '005_settings_that_fill_in.sql', '0cbbde0c527066610d7a7ff466e3b5c4d02f9a8ce66799979235f025bc5eb628')
on conflict (number) do nothing;

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

insert into ops.migrations (number, name, sha256)
values (6, '006_days_of_four_digits.sql', 'd41e949db13cac7af84a4dd26cedadf0186921a7378ebd7a7727576db87a5522')
on conflict (number) do nothing;

-- sql/migrations/007_one_offer_a_day.sql
-- Purpose   A supplier has one offer of a SKU on a day: a new price that is entered beside the old one, which nobody has ended,
--           would lose to it without a word. And a case, a layer, a pallet is a multiple of the offer's pack.
-- Twice     Every statement may be applied again and changes nothing.

alter table procurement.product_suppliers
    drop constraint if exists product_suppliers_one_offer_of_a_supplier_a_day,
    add constraint product_suppliers_one_offer_of_a_supplier_a_day exclude using gist (
        procurement.text_range(sku, sku, '[]') with &&,
        procurement.text_range(supplier_id, supplier_id, '[]') with &&,
        daterange(valid_from, valid_to, '[]') with &&
    ),
    drop constraint if exists product_suppliers_levels_are_multiples_of_the_pack,
    add constraint product_suppliers_levels_are_multiples_of_the_pack check (
        case_size % pack_size = 0 and layer_size % pack_size = 0 and pallet_size % pack_size = 0
    );

insert into ops.migrations (number, name, sha256)
values (7, '007_one_offer_a_day.sql', '90756f92b630822f0c40095fcde7d53089eb64ba0d94822dee964e1ac4d0f40a')
on conflict (number) do nothing;
