-- 0001_create_telemetry.sql: what arrives over OTLP, one table a noun; append-only, no index (see ARCHITECTURE.md, "Storage").
-- Times are UTC. Token counts and costs are null where unknown, never 0. Every row carries its project.

create table projects (
    project_id integer primary key,
    name       varchar not null unique,   -- what clients send as x-assayline-project
    created_at timestamp not null
);
insert into projects values (1, 'default', now() at time zone 'utc');

-- One row: one distinct (resource, scope), referred to by spans and logs. Rows are never updated.
create table origins (
    project_id         integer not null,
    origin_id          ubigint not null,          -- hash of all that follows
    resource           map(varchar, varchar) not null,
    resource_schema_url varchar,
    scope_name         varchar not null,
    scope_version      varchar,
    scope_attributes   map(varchar, varchar) not null,
    scope_schema_url   varchar
);

-- One row: one span as received, with the columns that the normaliser derived from it alone.
create table spans (
    project_id        integer not null,
    commit_seq        ubigint not null,           -- number of the group commit that stored the row: the data watermark
    received_at       timestamp not null,
    trace_id          uuid not null,
    span_id           ubigint not null,
    parent_span_id    ubigint,
    name              varchar not null,
    span_kind         varchar not null,           -- OTLP kind: internal server client producer consumer unspecified
    start_time        timestamp not null,         -- microseconds
    duration_ns       bigint,                     -- exact; null: the span ended before it started
    status            varchar not null,           -- unset ok error
    status_message    varchar,
    trace_state       varchar,
    flags             uinteger not null,
    dropped_attributes uinteger not null,
    dropped_events    uinteger not null,
    dropped_links     uinteger not null,
    origin_id         ubigint not null,
    service           varchar,                    -- null: unset
    environment       varchar,
    release           varchar,
    scope_name        varchar not null,
    kind              varchar not null,           -- llm embedding tool agent workflow retriever reranker guardrail evaluator memory mcp other
    dialect           varchar,                    -- who wrote the span; a hint, never dispatched on
    provider          varchar,
    request_model     varchar,
    response_model    varchar,
    response_id       varchar,
    input_tokens      bigint,                     -- all, including cache reads and writes
    output_tokens     bigint,                     -- all, including reasoning
    cache_read_tokens bigint,
    cache_write_tokens bigint,
    reasoning_tokens  bigint,                     -- part of output_tokens
    usage_role        varchar,                    -- leaf aggregate; null: no model or embedding call. span_derived overrides
    reported_cost_usd double,                     -- what the sender computed; never mixed with cost_usd
    cost_usd          double,                     -- by our price table; null: price or usage unknown
    ttft_ns           bigint,                     -- time to first token; null unless streamed and plausible
    streaming         boolean,
    finish_reason     varchar,                    -- stop length tool_call content_filter error other
    finish_reason_raw varchar,
    session_id        varchar,                    -- of this span alone; trace_summaries has the trace's
    user_id           varchar,
    tags              varchar[] not null,
    metadata          map(varchar, varchar) not null,
    variant           varchar,
    prompt_name       varchar,
    prompt_version    varchar,
    agent_name        varchar,
    workflow_name     varchar,
    tool_name         varchar,
    tool_call_id      varchar,
    error_type        varchar,
    error_message     varchar,
    http_status       integer,
    content_rank      utinyint not null,          -- how much the span knows of its call: 0 nothing, 1 parameters, 2 messages
    content_hash      ubigint,                    -- hash of the call's texts, for finding the same call told twice
    input             varchar using compression zstd,  -- messages, arguments or query: see input_key
    input_key         varchar,                    -- the attribute whose text stands verbatim in input (and not in attributes); null: input is canonical JSON composed of several attributes
    output            varchar using compression zstd,
    output_key        varchar,
    system_instructions varchar using compression zstd, -- JSON list of parts
    tool_definitions_id ubigint,
    documents         varchar using compression zstd,   -- JSON list of {rank, id, text, score, metadata}
    notes             varchar[] not null,         -- what the normaliser had to decide, by code
    attributes        map(varchar, varchar) not null,   -- everything received but input_key and output_key; text as is, other types as JSON text
    events            struct(time timestamp, name varchar, attributes map(varchar, varchar), dropped uinteger)[] not null,
    links             struct(trace_id uuid, span_id ubigint, trace_state varchar, attributes map(varchar, varchar), dropped uinteger)[] not null,
    normaliser_version integer not null
);

-- One row: one list of tools that were offered to a model. Large and repeated, so kept once.
create table tool_definitions (
    project_id          integer not null,
    tool_definitions_id ubigint not null,         -- hash of definitions
    definitions         varchar using compression zstd  -- JSON list
);

-- One row: one log record.
create table logs (
    project_id     integer not null,
    commit_seq     ubigint not null,
    received_at    timestamp not null,
    log_id         ubigint not null,              -- hash of the whole record: logs have no id on the wire
    trace_id       uuid,
    span_id        ubigint,
    time           timestamp not null,            -- event time, else observed time, else time of receipt
    severity       integer not null,              -- OTLP severity number, 0: unset
    severity_text  varchar,
    event_name     varchar,                       -- from the field, else attribute event.name, else event_name
    origin_id      ubigint not null,
    service        varchar,
    scope_name     varchar not null,
    body           varchar using compression zstd,
    flags          uinteger not null,
    dropped_attributes uinteger not null,
    attributes     map(varchar, varchar) not null
);

-- One row: one verdict on one target. Never updated: the latest by (target, name, evaluator, author) counts.
create table scores (
    project_id     integer not null,
    commit_seq     ubigint not null,
    score_id       ubigint not null,              -- hash of target, name, evaluator, version, event time, value: makes a retry a no-op
    trace_id       uuid,                          -- the target; null when only response_id or session_id is known
    span_id        ubigint,                       -- null: the whole trace
    session_id     varchar,                       -- set: the target is a session
    response_id    varchar,                       -- set: the target is the model call with this response id
    carrier_trace_id uuid,                        -- the span or log that brought the score
    carrier_span_id ubigint,
    name           varchar not null,
    value          double,                        -- null with an error, or when only a label was given
    label          varchar,
    explanation    varchar using compression zstd,
    source         varchar not null,              -- llm human code api telemetry
    evaluator      varchar,
    evaluator_version varchar,
    author         varchar,
    error_type     varchar,                       -- set: the evaluator failed; value is null and enters no mean
    metadata       map(varchar, varchar) not null,
    time           timestamp not null
);

-- One row: what one group commit did to one account. Sums over rows are the ledger; rows are only added.
-- received = stored + duplicate + rejected, per project, hour, source, service and signal.
create table ledger_entries (
    project_id integer not null,
    commit_seq ubigint not null,
    hour       timestamp not null,                -- of receipt
    source     varchar not null,                  -- http-protobuf http-json grpc
    service    varchar not null,                  -- '' when unset or unreadable
    signal     varchar not null,                  -- traces logs metrics
    received   bigint not null,                   -- counted while decoding, apart from the rows that were built
    stored     bigint not null,
    duplicate  bigint not null,
    rejected   bigint not null,
    reason     varchar,                           -- of the rejection; null when rejected = 0
    sample     varchar                            -- one rejected item, shortened
);

-- One row: one request that could not be read at all, so that its items cannot be counted.
create table refused_requests (
    project_id integer,                           -- null: the project is unknown
    time       timestamp not null,
    source     varchar not null,
    signal     varchar not null,
    bytes      bigint not null,
    reason     varchar not null,
    sample     varchar
);
