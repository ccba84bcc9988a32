-- 0015_create_ab_tests.sql: live A/B tests as registered. What came of one is read from the traces, and stored nowhere.

-- One row: one version of a test. Rows are added and never changed.
create table ab_tests (
    project_id integer not null,
    name       varchar not null,
    version    integer not null,      -- 1, 2, ... of each name; the newest counts
    document   varchar not null,      -- JSON: unit, variants with weights, metric, guardrails, start, stop; empty: taken away with this version
    set_at     timestamp not null,
    author     varchar,               -- who says to have set it
    primary key (project_id, name, version)
);
