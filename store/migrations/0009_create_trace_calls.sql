-- 0009_create_trace_calls.sql: intervals take the trace for the cluster, so they ask for sums by trace, and most traces are all alike within.

-- One row: the calls of one trace that count and that nothing tells apart. Written by the resolver with `calls`.
create table trace_calls (
    project_id     integer not null,
    trace_id       uuid not null,
    first_start    timestamp not null,            -- of all calls of the trace that count, as is last_start
    last_start     timestamp not null,
    alone          boolean not null,              -- the trace has no other row
    kind           varchar not null,
    service        varchar,
    environment    varchar,
    release        varchar,
    provider       varchar,
    model          varchar,                       -- that answered, else that was asked for
    prompt         varchar,                       -- name and version, answer@3
    variant        varchar,
    tool_name      varchar,
    session_id     varchar,
    user_id        varchar,
    tags           varchar[] not null,
    priced         bigint not null,
    unpriced       bigint not null,               -- as in the query `calls_totals`
    cost_usd       double,                        -- null: none is priced
    compared       bigint not null,               -- with a reported and a computed cost; the next two are sums over these
    compared_reported_usd double,
    compared_computed_usd double
);
insert into trace_calls
select project_id, trace_id, min(min(start_time)) over whole, max(max(start_time)) over whole, count(*) over whole = 1, kind, service, environment,
       release, provider, coalesce(response_model, request_model), prompt_name || coalesce('@' || prompt_version, ''), variant, tool_name, session_id,
       user_id, tags, count(cost_usd),
       count(*) filter (where cost_usd is null and not (failed and input_tokens is null and output_tokens is null)), sum(cost_usd),
       count(*) filter (where reported_cost_usd is not null and cost_usd is not null), sum(reported_cost_usd) filter (where cost_usd is not null),
       sum(cost_usd) filter (where reported_cost_usd is not null)
from calls where usage_role = 'leaf'
group by project_id, trace_id, kind, service, environment, release, provider, coalesce(response_model, request_model),
         prompt_name || coalesce('@' || prompt_version, ''), variant, tool_name, session_id, user_id, tags
window whole as (partition by project_id, trace_id);
