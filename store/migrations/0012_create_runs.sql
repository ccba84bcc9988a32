-- 0012_create_runs.sql: evaluation suites that are edited in the app, runs of suites, and what each run's target was asked and said.

-- One row: one version of a suite. Rows are added and never changed.
create table suites (
    project_id integer not null,
    name       varchar not null,
    version    integer not null,      -- 1, 2, ... of each name; the newest counts
    document   varchar not null,      -- YAML; empty: taken away with this version
    set_at     timestamp not null,
    author     varchar,               -- who says to have set it
    primary key (project_id, name, version)
);

-- One row: one run. Without a key: rows are updated often.
create table runs (
    project_id    integer not null,
    run_id        uuid not null,
    suite         varchar not null,
    source        varchar not null,   -- cli: the command line tells of it; app: ordered here, a worker carries it out
    author        varchar,
    created_at    timestamp not null,
    started_at    timestamp,          -- null: it waits
    ended_at      timestamp,          -- null: it is not over
    state         varchar not null,   -- waiting running done cut_off cancelled failed
    fault         varchar,            -- why it failed
    answers_done  bigint not null,
    answers_total bigint,             -- null: not known yet
    seconds_left  double,             -- as whoever carries it out told last; null: unknown
    cost_usd      double,             -- of target and judges so far, as far as it is known; null: not told
    outcome       varchar,            -- passed failed; null: its gates were not judged
    brief         varchar,            -- JSON: what a list of runs shows of its summary
    manifest      varchar using compression zstd, -- JSON
    summary       varchar using compression zstd, -- JSON
    document      varchar using compression zstd, -- YAML of the suite
    wish          varchar,            -- JSON: what was ordered beside the suite; null: nothing was ordered here
    lease         uuid,               -- of the worker that has it or had it last
    leased_until  timestamp,          -- from then on it is taken for cut off, or another worker takes it
    attempts      integer not null
);

-- One row: what came of one item in one repeat.
create table run_rows (
    project_id integer not null,
    run_id     uuid not null,
    place      bigint not null,       -- of the item among those of the run: 0, 1, ...
    repeat     integer not null,      -- 0, 1, ...
    item       varchar not null,
    cluster    varchar not null,
    content    varchar not null,      -- hex digits: equal for items that hold the same
    fails      boolean not null,      -- there is no answer, or a verdict is an error or does not pass
    status     varchar not null,      -- of the answer: ok error
    trace_id   uuid,                  -- of the trace that the target was asked to go on with
    -- By evaluator its value; what was measured by `target.` and its name; what is unknown is not there.
    numbers    map(varchar, double) not null,
    passed     map(varchar, boolean) not null, -- by evaluator; those without a rule or a verdict are not there
    failed     varchar[] not null,    -- evaluators whose verdict is an error
    line       varchar not null using compression zstd -- JSON: the whole row, as in results.jsonl
);
