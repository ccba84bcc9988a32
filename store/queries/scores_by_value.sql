-- Scores named `$score` whose targets the calls of `calls_kept` meet, a row per target and value of the dimension: value, target (a number), amount (null: the
-- newest failed, or has no value or label), ruler (what gave that score: evaluator and version, a person, or an end user), within (values that the target has a row under),
-- user_id, session_id, trace_id, start_time (of the first call), label (the first of its calls' slices by `$slice`).
-- The newest score of each target counts, whoever gave it. A score of a call counts under the value of the call; one of a trace, a session or another span
-- under each value of the calls there that the filters keep. A part of other queries.
with told as materialized (
    select trace_id, span_id, session_id, response_id, (commit_seq, time, score_id) as place,
           case when error_type is not null then null when $label::varchar is not null then (label = $label)::int::double else value end as amount,
           /* part score_ruler */ as ruler
    from /* part scores_standing */ standing where name = $score
), answered as materialized (
    select t.response_id, s.trace_id, s.span_id from told t join spans s on s.response_id = t.response_id
    where s.project_id = $project_id and s.start_time >= $since and s.start_time < $until
    union
    select t.response_id, d.trace_id, d.span_id from told t join span_derived d on d.response_id = t.response_id where d.project_id = $project_id
), leaves as materialized (
    select trace_id, span_id from calls c
    where project_id = $project_id and usage_role = 'leaf'
      and trace_id in (select trace_id from told where span_id is not null union select trace_id from answered)
), spans_of as (
    -- Several spans may tell one response: the call counts in one of them.
    select a.response_id, arg_min({trace_id: a.trace_id, span_id: a.span_id}, (l.span_id is null, a.span_id)) as found
    from answered a left join leaves l on l.trace_id = a.trace_id and l.span_id = a.span_id group by a.response_id
), located as (
    select trace_id, span_id, session_id, place, amount, ruler from told where response_id is null
    union all
    select o.found.trace_id, o.found.span_id, null, t.place, t.amount, t.ruler from told t join spans_of o on o.response_id = t.response_id
), newest as (
    select trace_id, span_id, session_id, arg_max_null(amount, place) as amount, arg_max_null(ruler, place) as ruler
    from located group by trace_id, span_id, session_id
), scored as materialized (
    select n.*, row_number() over () as target, l.span_id is not null as of_call
    from newest n left join leaves l on l.trace_id = n.trace_id and l.span_id = n.span_id
), near as materialized (
    select value, trace_id, span_id, session_id, user_id, start_time, /* part compare_label */ as label from /* part calls_kept */ kept
    where trace_id in (select trace_id from scored) or session_id in (select session_id from scored where session_id is not null)
), met as (
    select s.target, s.amount, s.ruler, n.value, n.user_id, n.session_id, n.trace_id, n.start_time, n.label
    from scored s join near n on n.trace_id = s.trace_id
    where s.session_id is null and (not s.of_call or n.span_id = s.span_id)
    union all
    select s.target, s.amount, s.ruler, n.value, n.user_id, n.session_id, n.trace_id, n.start_time, n.label
    from scored s join near n on n.session_id = s.session_id
), once as (
    select target, value, any_value(amount) as amount, any_value(ruler) as ruler, min(user_id) as user_id, min(session_id) as session_id,
           min(trace_id) as trace_id, min(start_time) as start_time, min(label) as label
    from met group by target, value
)
-- One thing has one cluster, also where its calls name several users.
select value, target, amount, ruler, count(*) over of_target as within, min(user_id) over of_target as user_id,
       min(session_id) over of_target as session_id, min(trace_id) over of_target as trace_id, start_time, label
from once window of_target as (partition by target)
