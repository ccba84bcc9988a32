-- Cost per success of sessions; columns as in `success_told`. A session has the cost of a value's calls under that value. Its newest score counts,
-- whoever gave it: of the session itself, or of one of its traces with a call that the filters keep. A trace with several values has its scores as
-- many times, which changes no newest one.
with traces as not materialized (
    select * from /* part calls_by_trace */ units where session_id is not null
), of_units as materialized (
    select s.session_id, t.success, t.commit_seq, t.time, t.score_id
    from /* part success_of_traces */ t join traces s on s.trace_id = t.trace_id
    union all
    select session_id, /* part success_verdict */, commit_seq, time, score_id
    from /* part scores_standing */ standing
    where name = $score and session_id is not null
), last as materialized (  -- one number is compared faster than three
    select session_id, max(commit_seq) as commit_seq from of_units group by session_id
), newest as materialized (
    select session_id, arg_max_null(success, (time, score_id)) as success
    from of_units join last using (session_id, commit_seq) group by session_id
), units as (
    select value, session_id, sum(cost_usd) as cost_usd, sum(unpriced)::bigint as unpriced from traces group by value, session_id
), judged as (
    select u.value, u.cost_usd, u.unpriced, n.success::int as success, n.session_id is not null and n.success is null as failed
    from units u left join newest n on n.session_id = u.session_id
)
select * from /* part success_told */ told
