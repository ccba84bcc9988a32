-- 0011_create_rules.sql: standing rules that have new traces scored, how far each has looked, what came of it, and its backfills.

-- One row: one rule as it is now. Without a key: rows are updated often.
create table rules (
    project_id integer not null,
    rule_id    uuid not null,
    name       varchar not null,          -- one of its project
    version    integer not null,          -- 1, 2, ...: grows with every change
    document   varchar not null,          -- JSON: unit, filter, sample rate, evaluators, budgets, quiet time
    enabled    boolean not null,          -- false: it looks for no new traces, and what waits is not scored
    budget_usd_per_day double,            -- of judges, per day of UTC; null: no bound
    budget_usd double,                    -- of judges, in all; null: no bound
    looked_seq ubigint not null,          -- traces whose newest span came with this commit or before were looked at
    waits_until timestamp,                -- until then nothing of it is scored: its budget did not allow one more call; null: no
    job_id     uuid not null,             -- its order of new traces, which never ends
    created_at timestamp not null,
    set_at     timestamp not null,
    author     varchar                    -- who says to have set this version
);

-- One row: one version of a rule, as it was set.
create table rule_versions (
    project_id integer not null,
    rule_id    uuid not null,
    name       varchar not null,
    version    integer not null,
    document   varchar,                   -- null: it was deleted
    set_at     timestamp not null,
    author     varchar
);

-- One row: what the parts of a rule did that were closed within an hour of UTC, backfills included.
create table rule_hours (
    project_id integer not null,
    rule_id    uuid not null,
    hour       timestamp not null,
    targets    bigint not null,
    ok         bigint not null,           -- verdicts, by their status
    not_applicable bigint not null,
    failed     bigint not null,
    calls      bigint not null,           -- that judges were asked, cached ones left out
    cached     bigint not null,
    spent_usd  double                     -- null: nothing was asked that costs, or its price is unknown
);

-- One row: one target that one evaluator could not score, until it is scored.
create table rule_failures (
    project_id integer not null,
    rule_id    uuid not null,
    trace_id   uuid not null,             -- of a session: its newest
    span_id    ubigint,                   -- null: the whole trace, or the session
    session_id varchar,                   -- null: the target is no session
    start_us   bigint not null,           -- bounds of its spans, since 1970
    end_us     bigint not null,
    evaluator  varchar,                   -- null: all; its workers were lost
    error_type varchar not null,
    error      varchar not null,          -- a sentence, shortened
    failed_at  timestamp not null,
    retried_at timestamp                  -- null: nobody has ordered it again
);

-- One row: one order over stored traces. Its parts are made as workers come along, so that millions wait nowhere.
create table rule_backfills (
    project_id integer not null,
    rule_id    uuid not null,
    job_id     uuid not null,
    since      timestamp not null,        -- traces that started in [since, until)
    until      timestamp not null,
    again      boolean not null,          -- true: also those that the rule's evaluators have scored
    after_start_us bigint,                -- the last trace that parts were made of, newest first; null: none yet
    after_trace uuid,
    looked     boolean not null           -- all parts are made
);

alter table jobs add column rule_id uuid;          -- null: somebody's own order
alter table jobs add column urgency integer;       -- 0 first: new traces of rules; null is 1; 2: backfills
alter table jobs add column unfinished boolean;    -- true: parts are still added, so it is not over when all are done
alter table job_parts add column added_at timestamp;    -- of parts that were added to an order; null: with the order
alter table job_parts add column sessions varchar[];    -- ids of the sessions that are the targets, in their order; null: none is one
alter table job_parts add column evaluators varchar[];  -- of the order's evaluators these alone; null: all
