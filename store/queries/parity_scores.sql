-- Slices of scores; columns as in `parity_summed`. The newest score of each target counts, whoever gave it, and none where that one failed. A score of a
-- call counts under the value of the call; one of a trace, a session or another span under each value of the calls there that the filters keep.
with told as materialized (
    select trace_id, span_id, session_id, response_id, commit_seq, time, score_id,
           case when error_type is not null then null when $label::varchar is not null then (label = $label)::int::double else value end as amount
    from scores where project_id = $project_id and name = $score
), located as (
    select trace_id, span_id, session_id, commit_seq, time, score_id, amount from told where response_id is null
    union all
    select s.trace_id, s.span_id, null, t.commit_seq, t.time, t.score_id, t.amount from told t join spans s on s.response_id = t.response_id
    where s.project_id = $project_id and s.start_time >= $since and s.start_time < $until
    union all
    select d.trace_id, d.span_id, null, t.commit_seq, t.time, t.score_id, t.amount from told t join span_derived d on d.response_id = t.response_id
    where d.project_id = $project_id
), newest as materialized (
    select trace_id, span_id, session_id, arg_max_null(amount, (commit_seq, time, score_id)) as amount, row_number() over () as target
    from located group by trace_id, span_id, session_id
), scored as materialized (
    select * from newest where amount is not null
), near as materialized (
    select value, trace_id, span_id, session_id, user_id from /* part calls_kept */ kept
    where trace_id in (select trace_id from scored) or session_id in (select session_id from scored where session_id is not null)
), calls_of as materialized (
    select s.target from scored s join calls c on c.trace_id = s.trace_id and c.span_id = s.span_id
    where c.project_id = $project_id and c.usage_role = 'leaf'
), met as (
    select s.target, s.amount, n.value, n.user_id, n.session_id, n.trace_id from scored s join near n on n.trace_id = s.trace_id and n.span_id = s.span_id
    where s.session_id is null
    union all
    select s.target, s.amount, n.value, n.user_id, n.session_id, n.trace_id from scored s join near n on n.trace_id = s.trace_id
    where s.session_id is null and s.target not in (select target from calls_of)
    union all
    select s.target, s.amount, n.value, n.user_id, n.session_id, n.trace_id from scored s join near n on n.session_id = s.session_id
), once as (
    select target, value, any_value(amount) as amount, min(user_id) as user_id, min(session_id) as session_id, min(trace_id) as trace_id
    from met group by target, value
), whose as (
    -- One thing has one cluster, also where its calls name several users.
    select value, amount, count(*) over of_target as within, min(user_id) over of_target as user_id, min(session_id) over of_target as session_id,
           min(trace_id) over of_target as trace_id
    from once window of_target as (partition by target)
), measured as not materialized (
    select value, amount, within, /* part parity_cluster */ as cluster from whose
)
select * from /* part parity_summed */ summed
