-- Cost per success of traces; columns as in `success_told`. A trace has the cost of a value's calls under that value. Its newest score counts,
-- whoever gave it. Not one query with that of sessions: those have to be grouped.
with newest as materialized (
    select trace_id, arg_max_null(success, (commit_seq, time, score_id)) as success from /* part success_of_traces */ told group by trace_id
), judged as (
    select u.value, u.cost_usd, u.unpriced, n.success::int as success, n.trace_id is not null and n.success is null as failed
    from /* part calls_by_trace */ u left join newest n on n.trace_id = u.trace_id
)
select * from /* part success_told */ told
