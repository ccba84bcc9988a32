-- 0007_create_budgets.sql: one row is one version of a project's budgets, whole. The newest counts; an empty list takes all back.
create table budgets (
    project_id integer not null,
    version    integer not null,       -- 1, 2, ... in each project
    document   varchar not null,       -- YAML, as it was given: US dollars a calendar month, of all calls or of one value of a dimension
    entries    bigint not null,
    set_at     timestamp not null,
    author     varchar,                -- who says to have set it
    primary key (project_id, version)
);
