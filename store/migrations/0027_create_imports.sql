-- 0027_create_imports.sql: files that were imported, and how far each went.

-- One row: one import of one file. It is known by what it reads and how, so that one which broke off is found again.
create table imports (
    import_id  uuid primary key,
    project_id integer not null,
    work       varchar not null,   -- hash of the file's bytes, the format and the mapping
    file       varchar not null,   -- name, as the person gave it
    bytes      ubigint not null,   -- of the file
    format     varchar not null,   -- otlp parquet langfuse phoenix mlflow calls
    mapping    varchar,            -- of plain calls: JSON object, column to field; null: none
    author     varchar,
    started_at timestamp not null, -- UTC
    ended_at   timestamp,          -- all of the file was read; null: it goes on, or broke off
    fault      varchar             -- why it cannot go on; null: it can, or has ended
);

-- One row: one piece of an import, written in the transaction that stores it. The ledger has its counts, by commit.
create table import_steps (
    import_id  uuid not null,
    step       integer not null,   -- from 1, without gaps
    commit_seq ubigint not null,   -- each piece is a commit of its own
    read_bytes ubigint not null,   -- of the file, so far
    first_time timestamp,          -- of the piece's spans and logs, UTC; null: it has none
    last_time  timestamp,
    stored_at  timestamp not null
);
