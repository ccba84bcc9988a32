-- 0024_create_queue_feeds.sql: how far each feed of a queue has looked, and how much it put in.

-- One row: one feed of a queue. It is written in the transaction that adds the feed's items, so that none is added twice or lost.
create table queue_feeds (
    project_id    integer not null,
    queue_id      uuid not null,
    feed          varchar not null,          -- hash of what it looks for; another rate or priority is the same feed
    looked_seq    ubigint not null,          -- it has looked at all that came with commits up to this one
    looked_at     timestamp not null,
    day           date not null,             -- of the next two; UTC
    added         integer not null,          -- items put in that day
    left_out      integer not null,          -- that would have been put in that day, had it not had its items
    added_ever    bigint not null,
    left_out_ever bigint not null,
    fault         varchar,                   -- why it cannot look; null: it can
    primary key (queue_id, feed)
);
