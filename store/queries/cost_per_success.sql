-- Cost per success of traces; columns as in `success_told`. A trace has the cost of a value's calls under that value. Its newest score counts,
-- whoever gave it. Not one query with that of sessions: a key of two columns, one of them null, takes twice as long to group by.
with newest as materialized (
    select trace_id, arg_max_null(success, (commit_seq, time, score_id)) as success from /* part success_of_traces */ told group by trace_id
), units as (
    select value, trace_id, sum(cost_usd) as cost_usd,
           count(*) filter (where cost_usd is null and not (failed and input_tokens is null and output_tokens is null)) as unpriced
    from /* part calls_kept */ kept
    group by value, trace_id
), judged as (
    select u.value, u.cost_usd, u.unpriced, n.success::int as success, n.trace_id is not null and n.success is null as failed
    from units u left join newest n on n.trace_id = u.trace_id
)
select * from /* part success_told */ told
