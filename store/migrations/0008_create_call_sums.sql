-- 0008_create_call_sums.sql: what pages over months add up, added up by the quarter of an hour: days of every zone on earth are made of such.
-- Every call that counts is either in the sums of its quarter, or its quarter is in `stale_call_sums` and is asked of `calls` itself.

-- One row: sums over the calls that count and started in one quarter, of one combination of what tells them apart. Null sums: no call told it.
create table call_sums (
    project_id     integer not null,
    quarter        timestamp not null,            -- its start
    kind           varchar not null,
    service        varchar,
    environment    varchar,
    release        varchar,
    provider       varchar,
    model          varchar,                       -- that answered, else that was asked for
    prompt         varchar,                       -- name and version, answer@3
    variant        varchar,
    tool_name      varchar,
    calls          bigint not null,
    failed         bigint not null,
    priced         bigint not null,
    estimated      bigint not null,
    unpriced       bigint not null,               -- this one and the next five as in the query `calls_totals`
    untold         bigint not null,
    silent_failures bigint not null,
    unknown_usage  bigint not null,
    cached_calls   bigint not null,
    saved_calls    bigint not null,
    asked          bigint not null,               -- whether it is a retry is known
    retries        bigint not null,
    reported       bigint not null,               -- told a cost of their sender's; compared ones have ours too, and failed all the same
    compared       bigint not null,
    compared_failed bigint not null,
    cost_pico      hugeint,                       -- money in whole 1e-12 US dollars, so that sums do not depend on the order of rows
    input_pico     hugeint,
    cache_read_pico hugeint,
    cache_write_pico hugeint,
    output_pico    hugeint,
    other_pico     hugeint,
    reported_pico  hugeint,
    compared_reported_pico hugeint,
    compared_computed_pico hugeint,
    saved_pico     hugeint,
    input_tokens   hugeint,                      -- tokens: of what senders told, three of which may be more than 64 bits hold
    cache_read_tokens hugeint,
    cache_write_tokens hugeint,
    output_tokens  hugeint,
    reasoning_tokens hugeint,
    cache_told     bigint not null,               -- told their input and what of it came from a cache; the next two are sums over these
    cache_told_input_tokens hugeint,
    cache_told_read_tokens hugeint
);

-- One row: one quarter of an hour with calls whose sums are not there, or not true any more. The writer keeps them apart, not a key: an index may
-- still hold what was deleted, and a quarter that is not noted would be wrong and silent.
create table stale_call_sums (
    project_id integer not null,
    quarter    timestamp not null,
    noted_at   timestamp not null                 -- when the first call changed since it was last summed
);
insert into stale_call_sums
select distinct project_id, make_timestamp(epoch_us(start_time) // 900000000 * 900000000), now() at time zone 'utc' from calls;
