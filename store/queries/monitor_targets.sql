-- What was scored under the names `$scores`, a row per name, target and ruler (what gave the score: evaluator and version, or `a person`), for targets
-- that started in [since, until). The newest score that a ruler gave a target counts: amount (null: it failed, or has no value), label, failed, given
-- (its time), scale. `began`: the start of a call; of a trace, or of a span that is no call that counts (`of_call`), the start of the trace; of a session
-- (session_id is set) that of its first trace. Targets that the store does not have are left out. A part of other queries.
with told as materialized (
    select name, trace_id, span_id, session_id, response_id, (commit_seq, time, score_id) as place, source = 'human' as of_person, time as given,
           error_type is not null as failed, case when error_type is null then value end as amount, case when error_type is null then label end as label,
           metadata['scale'] as scale,
           case when source = 'human' then 'a person'
                else coalesce(nullif(concat_ws(' ', evaluator, evaluator_version), ''), 'an unnamed evaluator') end as ruler
    from /* part monitor_told */ named
), answered as materialized (
    select t.response_id, s.trace_id, s.span_id from told t join spans s on s.response_id = t.response_id
    where s.project_id = $project_id and s.start_time >= $since
    union
    select t.response_id, d.trace_id, d.span_id from told t join span_derived d on d.response_id = t.response_id where d.project_id = $project_id
), leaves as materialized (
    -- With those after the window: else the score of such a call would be one of its trace.
    select trace_id, span_id, start_time from calls
    where project_id = $project_id and usage_role = 'leaf' and start_time >= $since
      and trace_id in (select trace_id from told where span_id is not null union select trace_id from answered)
), spans_of as (
    -- Several spans may tell one response: the call counts in one of them.
    select a.response_id, arg_min({trace_id: a.trace_id, span_id: a.span_id}, (l.span_id is null, a.trace_id, a.span_id)) as found
    from answered a left join leaves l on l.trace_id = a.trace_id and l.span_id = a.span_id group by a.response_id
), located as (
    select name, ruler, of_person, trace_id, span_id, session_id, place, given, failed, amount, label, scale from told where response_id is null
    union all
    select t.name, t.ruler, t.of_person, o.found.trace_id, o.found.span_id, null, t.place, t.given, t.failed, t.amount, t.label, t.scale
    from told t join spans_of o on o.response_id = t.response_id
), newest as materialized (
    select name, ruler, of_person, trace_id, span_id, session_id,
           arg_max({given: given, failed: failed, amount: amount, label: label, scale: scale}, place) as said
    from located group by name, ruler, of_person, trace_id, span_id, session_id
), traces as (
    select trace_id, start_time from trace_summaries where project_id = $project_id and start_time >= $since and start_time < $until
), sessions as (
    select session_id, min(start_time) as start_time from trace_summaries
    where project_id = $project_id and session_id in (select session_id from newest where session_id is not null) group by session_id
), placed as (
    select n.*, l.span_id is not null as of_call, coalesce(l.start_time, t.start_time) as began
    from newest n
    left join leaves l on l.trace_id = n.trace_id and l.span_id = n.span_id
    left join traces t on t.trace_id = n.trace_id
    where n.session_id is null
    union all
    select n.*, false, s.start_time from newest n join sessions s on s.session_id = n.session_id
)
select name, ruler, of_person, trace_id, span_id, session_id, of_call, began, said.given as given, said.failed as failed, said.amount as amount,
       said.label as label, said.scale as scale
from placed
where began >= $since and began < $until
