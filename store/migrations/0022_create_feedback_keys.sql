-- 0022_create_feedback_keys.sql: keys with which pages of others send feedback of their users, and may do nothing else.

-- One row: one key. The key itself stands nowhere: it is shown once.
create table feedback_keys (
    project_id integer not null,
    key_id     uuid not null,
    name       varchar not null,
    hash       varchar not null,        -- SHA-256 of the key, hex
    shown      varchar not null,        -- its first letters, by which it is told from others
    origins    varchar[] not null,      -- of the pages that may use it, such as https://app.example; empty: no page may, only programs
    per_minute integer not null,        -- feedback that it brings at most
    created_at timestamp not null,
    author     varchar,
    revoked_at timestamp,               -- set: it opens nothing any more
    revoked_by varchar,
    primary key (key_id)
);
