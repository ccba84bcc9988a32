-- 0016_create_dataset_removals.sql: how far deleted datasets had counted, so that a number never names two versions.

-- One row: a dataset was deleted. Rows are added and never changed.
create table dataset_removals (
    project_id integer not null,
    name       varchar not null,
    version    integer not null,      -- the highest that was given under the name; one that comes later goes on from it
    removed_at timestamp not null
);
