-- 0018_sum_more_by_trace.sql: sums by trace answer what `call_sums` cannot, since they know the session, the user and the tags, in a fifth of the rows of `calls`.
drop table trace_calls;

-- One row: the calls of one trace that count and that nothing tells apart. Written by the resolver with `calls`. Null sums: no call told it.
create table trace_calls (
    project_id     integer not null,
    trace_id       uuid not null,
    first_start    timestamp not null,            -- of all calls of the trace that count, as is last_start
    last_start     timestamp not null,
    newest         timestamp not null,            -- start of the last of this row's calls
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
    own_version    varchar,                       -- of the own price that gave a cost; null: no cost, or of a list price
    calls          bigint not null,
    failed         bigint not null,
    priced         bigint not null,
    unpriced       bigint not null,               -- as in the query `calls_totals`
    cost_usd       double,                        -- null: none is priced
    cost_pico      hugeint,                       -- the same as in `call_sums`
    input_tokens   hugeint,
    output_tokens  hugeint,
    cache_read_tokens hugeint,
    cache_told_input_tokens hugeint,              -- input of calls that said what they read from a cache
    told           bigint not null,               -- calls with output tokens; the next is their cost
    told_usd       double,
    compared       bigint not null,               -- with a reported and a computed cost; the next two are sums over these
    compared_reported_usd double,
    compared_computed_usd double
);
insert into trace_calls
select project_id, trace_id, min(min(start_time)) over whole as first_start, max(max(start_time)) over whole as last_start, max(start_time) as newest,
       count(*) over whole = 1 as alone, kind, service, environment, release, provider, coalesce(response_model, request_model) as model,
       prompt_name || coalesce('@' || prompt_version, '') as prompt, variant, tool_name, session_id, user_id, tags,
       case when price_source = 'own' and cost_usd is not null then price_version end as own_version,
       count(*) as calls, count(*) filter (where failed) as failed, count(cost_usd) as priced,
       count(*) filter (where cost_usd is null and not (failed and input_tokens is null and output_tokens is null)) as unpriced,
       sum(cost_usd) as cost_usd, sum(try_cast(cost_usd * 1e12 as hugeint)) as cost_pico, sum(input_tokens) as input_tokens,
       sum(output_tokens) as output_tokens, sum(cache_read_tokens) as cache_read_tokens,
       sum(case when cache_read_tokens is not null then input_tokens end) as cache_told_input_tokens, count(output_tokens) as told,
       sum(cost_usd) filter (where output_tokens is not null) as told_usd,
       count(*) filter (where reported_cost_usd is not null and cost_usd is not null) as compared,
       sum(reported_cost_usd) filter (where cost_usd is not null) as compared_reported_usd,
       sum(cost_usd) filter (where reported_cost_usd is not null) as compared_computed_usd
from calls where usage_role = 'leaf'
group by project_id, trace_id, kind, service, environment, release, provider, coalesce(response_model, request_model),
         prompt_name || coalesce('@' || prompt_version, ''), variant, tool_name, session_id, user_id, tags, own_version
window whole as (partition by project_id, trace_id);
