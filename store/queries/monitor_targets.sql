-- What was scored under the names `$scores`, a row per name, target and ruler (what gave the score: evaluator and version, `a person`, or `an end user`), for targets
-- that started in [since, until). The newest score that a ruler gave a target counts: amount (null: it failed, or has no value), label, failed, given
-- (its time), scale. `began`: the start of a call; of a trace, or of a span that is no call that counts (`of_call`), the start of the trace; of a session
-- (session_id is set) that of its first trace. Targets that the store does not have are left out. A part of other queries.
with touched as materialized (
    -- Traces with a span in the window, whose scores alone need be looked at.
    select trace_id, start_time from trace_summaries
    where project_id = $project_id and start_time < $until and (start_time >= $since or start_time + to_microseconds(duration_ns // 1000) >= $since)
), named as not materialized (
    select number, trace_id, span_id, session_id, response_id, name, (commit_seq, time, score_id) as place, source = 'human' as of_person,
           /* part score_ruler */ as ruler
    from /* part monitor_told */ every_name
), told as materialized (
    select * from named where session_id is null and trace_id in (select trace_id from touched)
    union all
    select * from named where session_id is not null or trace_id is null
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
    select number, name, ruler, of_person, trace_id, span_id, session_id, place from told where response_id is null
    union all
    select t.number, t.name, t.ruler, t.of_person, o.found.trace_id, o.found.span_id, null, t.place
    from told t join spans_of o on o.response_id = t.response_id
), newest as materialized (
    -- The number of the row alone: to carry along what it says takes twice the time.
    select name, ruler, of_person, trace_id, span_id, session_id, arg_max(number, place) as number
    from located group by name, ruler, of_person, trace_id, span_id, session_id
), sessions as (
    select session_id, min(start_time) as start_time from trace_summaries
    where project_id = $project_id and session_id in (select session_id from newest where session_id is not null) group by session_id
), placed as (
    select n.*, l.span_id is not null as of_call, coalesce(l.start_time, t.start_time) as began
    from newest n
    left join leaves l on l.trace_id = n.trace_id and l.span_id = n.span_id
    left join touched t on t.trace_id = n.trace_id
    where n.session_id is null
    union all
    select n.*, false, s.start_time from newest n join sessions s on s.session_id = n.session_id
)
select p.name, p.ruler, p.of_person, p.trace_id, p.span_id, p.session_id, p.of_call, p.began, s.time as given, s.error_type is not null as failed,
       case when s.error_type is null then s.value end as amount, case when s.error_type is null then s.label end as label, s.metadata['scale'] as scale
from placed p join scores s on s.rowid = p.number
where p.began >= $since and p.began < $until
