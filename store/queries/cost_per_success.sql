-- Cost per success of traces; columns as in `success_told`. A trace has the cost of a value's calls under that value. Its newest score counts,
-- whoever gave it: where there is but one, which is mostly so, none is compared with others. Not one query with that of sessions: those have to be
-- grouped.
with told as materialized (
    select * from /* part success_of_traces */ of_traces
), counted as materialized (
    select trace_id, count(*) as scores, first(success) as success from told group by trace_id
), newest as materialized (
    select trace_id, success from counted where scores = 1
    union all
    select trace_id, arg_max_null(success, (commit_seq, time, score_id)) from told
    where trace_id in (select trace_id from counted where scores > 1) group by trace_id
), judged as (
    select u.value, u.cost_usd, u.unpriced, n.success::int as success, n.trace_id is not null and n.success is null as failed
    from /* part calls_by_trace */ u left join newest n on n.trace_id = u.trace_id
)
select * from /* part success_told */ told
