-- 0004_price_calls.sql: what a price depends on besides the five counts, and a cost for each call, derived like all that can change.
-- Of stored spans the two new columns are null until `assay renormalise`; the resolver starts over and writes `calls`.
alter table spans add column usage_details varchar;  -- JSON: counts of audio, images, cache writes by lifetime, ... (DETAIL_UNITS of collectors/conventions/usage.py); null: none
alter table spans add column service_tier varchar;   -- that served the call, as told: default priority flex batch ...
alter table spans drop column cost_usd;              -- was always null: a cost depends on prices, which change
alter table span_derived add column usage_details varchar;  -- null: as in spans
alter table span_derived add column service_tier varchar;
alter table span_derived drop column cost_usd;
alter table trace_summaries add column unpriced_calls bigint;  -- calls that count and have no cost, but for failed ones that told no usage; null: not resolved since

alter table trace_summaries add column half_told_calls bigint; -- model calls that ended well and told one side of their usage only, so that the sums are too low; null: as above
alter table trace_summaries add column sample boolean;         -- a span of it is of the sample data, whose times are shifted; null: as above

-- One row: one span that tells a model or embedding call, or sums up calls. Written by the resolver together with the summary of its trace;
-- only rows of usage_role leaf feed sums, the others say what counting them too would have added. Amounts are US dollars; null: unknown.
create table calls (
    project_id     integer not null,
    trace_id       uuid not null,
    span_id        ubigint not null,
    start_time     timestamp not null,
    duration_ns    bigint,
    ttft_ns        bigint,
    kind           varchar not null,
    usage_role     varchar not null,              -- leaf aggregate duplicate: the last word
    failed         boolean not null,
    error_type     varchar,
    provider       varchar,
    request_model  varchar,
    response_model varchar,
    service_tier   varchar,
    input_tokens   bigint,                        -- these six as in spans, with what duplicates and logs told
    output_tokens  bigint,
    cache_read_tokens bigint,
    cache_write_tokens bigint,
    reasoning_tokens bigint,
    usage_details  varchar,
    service        varchar,                       -- of the span, else of its trace; so are the next six
    environment    varchar,
    release        varchar,
    session_id     varchar,                       -- of the trace
    user_id        varchar,                       -- of the trace
    variant        varchar,                       -- of the span, else the only one of its trace
    prompt_name    varchar,                       -- of the span
    prompt_version varchar,
    tool_name      varchar,                       -- of the tool within which the call was made, the innermost
    tags           varchar[] not null,            -- of the trace
    reported_cost_usd double,                     -- what the sender computed
    cost_usd       double,                        -- ours
    input_usd      double,                        -- these five add up to cost_usd: input that neither came from a cache nor went into one
    cache_read_usd double,
    cache_write_usd double,
    output_usd     double,                        -- with reasoning
    other_usd      double,                        -- searches, requests, hardware
    price_status   varchar not null,              -- priced estimated unknown_model unknown_usage invalid_usage
    price_source   varchar,                       -- own genai-prices
    price_version  varchar,                       -- of an own price its hash, of a list price the library's release
    price_model    varchar,                       -- the entry of the price table
    price_note     varchar                        -- what was assumed, or why there is no cost
);

-- One row: one version of a project's own prices, whole. The newest counts; an empty list takes all back.
create table own_prices (
    project_id integer not null,
    version    integer not null,                  -- 1, 2, ... in each project
    document   varchar not null,                  -- YAML, as it was given
    entries    bigint not null,
    set_at     timestamp not null,
    author     varchar,                           -- who says to have set it
    primary key (project_id, version)
);

-- One row: one run of `assay reprice` that changed something, or meant to.
create table repricings (
    project_id integer not null,
    repricing_id integer not null,                -- 1, 2, ... in each project
    started_at timestamp not null,
    finished_at timestamp,                        -- null: it runs, or was cut off; running it again does what is left
    since      timestamp,                         -- calls that started in [since, until); null: open
    until      timestamp,
    reason     varchar,
    author     varchar,
    own_version integer,                          -- of own_prices, that it applied; null: none were set
    list_version varchar not null,                -- of the list prices
    calls      bigint not null,                   -- looked at: of every usage role
    changed    bigint not null,                   -- whose cost is another one
    sum_before double,                            -- of the calls that count, among those looked at; null: none had a cost
    sum_after  double,
    primary key (project_id, repricing_id)
);

-- One row: a cost that another price replaced, as it stood. Only added to.
create table replaced_costs (
    project_id integer not null,
    trace_id   uuid not null,
    span_id    ubigint not null,
    start_time timestamp not null,
    usage_role varchar not null,
    replaced_at timestamp not null,
    repricing_id integer,                         -- null: the trace was resolved again by itself, as after a late span
    cost_usd   double,
    price_status varchar not null,
    price_source varchar,
    price_version varchar,
    price_model varchar
);

update resolver_state set value = 0 where name = 'resolved_seq';
