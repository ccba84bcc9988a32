-- 0014_create_datasets.sql: datasets by version. An item is a row for each state that it was in, so a change of one costs one row.

-- One row: one dataset.
create table datasets (
    project_id  integer not null,
    dataset_id  integer not null,
    name        varchar not null,     -- unique in the project
    description varchar not null,
    created_at  timestamp not null,
    author      varchar,              -- who says to have made it
    primary key (project_id, dataset_id)
);

-- One row: one version of a dataset. Rows are added and never changed.
create table dataset_versions (
    project_id integer not null,
    dataset_id integer not null,
    version    integer not null,      -- 1, 2, ... of each dataset
    made_at    timestamp not null,
    author     varchar,
    note       varchar not null,
    base       integer not null,      -- the version that the change was made on; 0: there was none
    items      bigint not null,
    added      bigint not null,       -- against the version before
    changed    bigint not null,
    removed    bigint not null,
    content    varchar not null,      -- sha256 over all items and their splits, by id: equal for equal versions
    rule       varchar,               -- JSON: how items without a split get one, `by`, `seed`, `parts`; null: they get none
    primary key (project_id, dataset_id, version)
);

-- One row: one state of one item. Without a key: a later version ends many rows at once.
create table dataset_items (
    project_id    integer not null,
    dataset_id    integer not null,
    item          varchar not null,   -- its id
    place         bigint not null,    -- in the order of the dataset; an item keeps it
    since_version integer not null,
    until_version integer,            -- the first version in which it is not so; null: it is so in the newest
    split         varchar,            -- null: it is in none
    tags          varchar[] not null,
    trace_id      uuid,               -- of the trace that it was made from
    span_id       ubigint,            -- of its span; null: of the whole trace, or of none
    whole         varchar not null,   -- hex digits: equal for items that hold the same, splits aside
    same          varchar not null,   -- hex digits: equal for items that ask the same, white space and case aside
    row           varchar not null using compression zstd -- JSON: the fields of a case, with `metadata`
);
