-- 0017_create_experiments.sql: experiments, groups of runs that differ in what was varied, and which run is which arm of one.

-- One row: one experiment. Rows are added and never changed, and go with the experiment.
create table experiments (
    project_id    integer not null,
    experiment_id uuid not null,
    name          varchar not null,
    suite         varchar not null,   -- as its runs have it
    source        varchar not null,   -- app: ordered here; cli: the command line tells of it; pushed: by another harness
    author        varchar,            -- who says to have begun it
    created_at    timestamp not null,
    varied        varchar not null,   -- JSON: path or short name -> its values; {}: nothing, or not told
    budget_usd    double,             -- of all its runs together; null: no bound
    like_run      uuid,               -- the run that it varies; null: it varies a suite
    primary key (project_id, experiment_id)
);

alter table runs add column experiment_id uuid; -- null: the run is of none
alter table runs add column arm varchar;        -- JSON: what was varied -> the value of this run; null: the run is of none
