-- 0002_create_derived.sql: what can only be said of a span once its whole trace is known. Written by the resolver,
-- narrow, and re-runnable at any time: deleting every row here loses nothing.

-- One row: one span whose own columns are not the last word. No row: the span's own columns stand.
create table span_derived (
    project_id     integer not null,
    trace_id       uuid not null,
    span_id        ubigint not null,
    usage_role     varchar,                       -- leaf aggregate duplicate; null: as in spans
    duplicate_of_trace uuid,
    duplicate_of_span ubigint,
    rule           varchar,                       -- which rule decided: see collectors/resolve.py
    input_tokens   bigint,                        -- these fill what the span lacks, from its duplicates or its logs; null: as in spans
    output_tokens  bigint,
    cache_read_tokens bigint,
    cache_write_tokens bigint,
    reasoning_tokens bigint,
    reported_cost_usd double,
    cost_usd       double,
    ttft_ns        bigint,
    request_model  varchar,
    response_model varchar,
    provider       varchar,
    finish_reason  varchar,
    input          varchar using compression zstd,  -- canonical JSON, from logs
    output         varchar using compression zstd,
    system_instructions varchar using compression zstd,
    error_type     varchar,
    error_message  varchar,
    tool_executions bigint                        -- tool results in this call's messages, in a trace without tool spans
);

-- One row: one trace as known so far.
create table trace_summaries (
    project_id     integer not null,
    trace_id       uuid not null,
    resolved_seq   ubigint not null,              -- highest commit_seq among the trace's rows when this was written
    start_time     timestamp not null,
    duration_ns    bigint not null,               -- last end minus first start
    root_span_id   ubigint not null,              -- earliest span without a received parent
    root_name      varchar not null,
    root_missing   boolean not null,              -- the root's parent id never arrived
    service        varchar,
    services       varchar[] not null,
    environment    varchar,
    release        varchar,
    spans          bigint not null,
    model_calls_ok bigint not null,
    model_calls_failed bigint not null,
    embedding_calls bigint not null,
    embedding_input_tokens bigint,                -- null: no embedding call told its usage
    tool_executions bigint not null,
    tool_executions_failed bigint not null,
    input_tokens   bigint,                        -- these five: over model calls that count; null: none told it
    output_tokens  bigint,
    cache_read_tokens bigint,
    cache_write_tokens bigint,
    reasoning_tokens bigint,
    unknown_usage_calls bigint not null,          -- model calls that ended well and told no usage
    usage_estimated boolean not null,             -- sums come from an aggregate: no leaf told its usage
    cost_usd       double,
    reported_cost_usd double,
    errors         bigint not null,               -- failed spans without a failed child
    error_type     varchar,                       -- of the deepest failed span
    error_message  varchar,
    status         varchar not null,              -- error: the root failed; recovered: only inner spans did; ok
    session_id     varchar,
    user_id        varchar,
    models         varchar[] not null,
    tags           varchar[] not null,
    variants       varchar[] not null,
    prompts        varchar[] not null             -- name or name@version
);

create table resolver_state (
    name  varchar primary key,
    value ubigint not null
);
insert into resolver_state values ('resolved_seq', 0);
