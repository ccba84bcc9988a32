-- 0010_create_jobs.sql: orders to score what is stored, and the parts in which workers take them.

-- One row: one order.
create table jobs (
    project_id integer not null,
    job_id     uuid not null,
    created_at timestamp not null,
    author     varchar,               -- who says to have given it
    document   varchar not null,      -- JSON: evaluators with options, unit, budget, and what chose the targets
    targets    bigint not null,
    budget_usd double,                -- null: no bound
    ended_at   timestamp,             -- null: it is not over
    outcome    varchar,               -- done cancelled stopped; null: it is not over
    fault      varchar,               -- why it was stopped
    primary key (job_id)
);

-- One row: some targets of an order that one worker takes at once. Without a key: rows are updated often.
create table job_parts (
    project_id   integer not null,
    job_id       uuid not null,
    part         integer not null,    -- 0, 1, ... in each job
    -- span_id null: the whole trace. Start and end are the trace's, in microseconds since 1970, so that it need not be sought in all of time.
    targets      struct(trace_id uuid, span_id ubigint, start_us bigint, end_us bigint)[] not null,
    state        varchar not null,    -- waiting leased done failed
    lease        uuid,                -- of whoever has it or had it last
    leased_until timestamp,           -- from then on another may take it
    attempts     integer not null,
    ok           bigint not null,     -- verdicts, by their status
    not_applicable bigint not null,
    failed       bigint not null,
    calls        bigint not null,     -- that judges were asked, cached ones left out
    cached       bigint not null,
    spent_usd    double,              -- null: nothing was asked that costs, or its price is unknown
    fault        varchar,             -- why nobody could finish it
    ended_at     timestamp
);
