-- 0025_create_trace_views.sql: lists of traces that a project keeps under a name.

-- One row: one view as it is now.
create table trace_views (
    project_id integer not null,
    name       varchar not null,
    version    integer not null,    -- 1, 2, ...: goes up with each change
    document   varchar not null,    -- JSON: line, filters, order, columns
    set_at     timestamp not null,
    author     varchar,
    primary key (project_id, name)
);
