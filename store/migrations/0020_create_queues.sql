-- 0020_create_queues.sql: queues, work for reviewers; their items, who has which at the moment, what people said of them, and what was decided.

-- One row: one queue as it is now. How it was set over time stands in queue_versions.
create table queues (
    project_id         integer not null,
    queue_id           uuid not null,
    name               varchar not null,
    version            integer not null,     -- 1, 2, ...; another document makes another one, and so does a queue that takes the name of one of before
    fields_version     integer not null,     -- the version that made the label schema what it is
    guidelines_version integer not null,     -- the version that made the guidelines what they are
    document           varchar not null,     -- JSON: what is asked, the guidelines, how many labels, who
    labels             integer not null,     -- by different people, of an item that says nothing else; as in document
    open               boolean not null,     -- false: nobody is handed an item
    created_at         timestamp not null,
    set_at             timestamp not null,
    author             varchar,
    primary key (queue_id)
);

-- One row: a queue as it was set once. Rows are added and never changed.
create table queue_versions (
    project_id integer not null,
    queue_id   uuid not null,
    name       varchar not null,
    version    integer not null,
    document   varchar,                      -- null: it was taken away with this version
    set_at     timestamp not null,
    author     varchar
);

-- One row: one item of a queue. What is shown is kept with it, so that it can be labelled after its spans are gone.
create table queue_items (
    project_id integer not null,
    queue_id   uuid not null,
    number     integer not null,             -- 1, 2, ... within the queue, never given again
    key        varchar,                      -- whoever adds items may name them; null: unnamed
    unit       varchar not null,             -- call trace session pair ranking own
    trace_id   uuid,                         -- of a pair or ranking that of its first side; null: no trace
    span_id    ubigint,                      -- null: the whole trace
    session_id varchar,
    target     varchar,                      -- unit and ids of all that is shown, to find it again; null: no ids
    content    varchar using compression zstd not null, -- JSON: what is shown
    same       ubigint not null,             -- hash of what is shown: alike items have the same
    title      varchar not null,             -- the first words of what was asked
    gold       varchar,                      -- JSON: right answers by field; null: nobody knows them
    priority   double not null,              -- higher ones are handed out first
    needed     integer,                      -- labels by different people; null: as the queue says
    origin     varchar not null,             -- filter feed evaluator alert run dataset sample hand import
    why        varchar,                      -- what made it an item, in words
    attributes map(varchar, varchar) not null, -- by which labels can be told apart: model, release, ...
    added_at   timestamp not null,
    added_by   varchar,
    removed_at timestamp,                    -- set: it is handed out no more, and its labels count no more
    back_at    timestamp,                    -- set: skips of before count no more
    primary key (queue_id, number)
);

-- One row: an item that somebody has before them. A lease that is over hinders nobody.
create table queue_leases (
    queue_id   uuid not null,
    number     integer not null,
    labeller   varchar not null,
    lease_id   uuid not null,
    taken_at   timestamp not null,
    expires_at timestamp not null,
    primary key (queue_id, number, labeller)
);

-- One row: what one person said of one item at one time. Rows are added and never changed; the newest edit of an item and author counts.
create table labels (
    project_id     integer not null,
    queue_id       uuid not null,
    number         integer not null,         -- of the item
    label_id       uuid not null,            -- chosen by the sender: makes a retry a no-op
    author         varchar not null,
    edit           integer not null,         -- 1, 2, ... of this author on this item
    state          varchar not null,         -- saved skipped withdrawn
    queue_version  integer not null,         -- the guidelines that were shown
    fields_version integer not null,         -- the schema that was filled in
    answers        varchar,                  -- JSON: by field; null unless saved
    numbers        map(varchar, double) not null, -- by field, as its score has it; fields without one are left out
    comment        varchar,                  -- why, in the author's words
    reason         varchar,                  -- of a skip
    seconds        double,                   -- spent on it; null: unknown
    source         varchar not null,         -- page api import
    saved_at       timestamp not null,
    labelled       tinyint not null,         -- 1: the author has a label now and had none before, -1: the reverse, 0: neither; sums count labels
    passed         tinyint not null          -- the same of skips
);

-- One row: what somebody has filled in and not saved yet.
create table label_drafts (
    queue_id uuid not null,
    number   integer not null,
    author   varchar not null,
    answers  varchar not null,               -- JSON: by field, which may be missing
    comment  varchar,
    seconds  double,
    saved_at timestamp not null,
    primary key (queue_id, number, author)
);

-- One row: what somebody decided where labels differ. Rows are added and never changed; the newest of an item and field counts.
create table label_decisions (
    project_id integer not null,
    queue_id   uuid not null,
    number     integer not null,
    field      varchar not null,
    answer     varchar,                      -- JSON; null: the decision was taken back
    why        varchar,
    author     varchar not null,
    decided_at timestamp not null
);
