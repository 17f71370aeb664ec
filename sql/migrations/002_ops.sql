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
