-- One row per value of a measure: measure, test, unit, label, day of its trace. Units of several arms are left out, and so is what is unknown: a cost with a call
-- without a price, the duration of a trace that failed, a score that failed or has no value. `exposure` is 1 a trace. The newest score of each target counts,
-- whoever gave it; one of a session on the day of the session's first trace. Of the measures that its test
-- asks for alone: `measured` and `measures`, lists of equal length. A part of other queries.
with exposed as materialized (
    select * from /* part ab_exposed */ traces where unit is not null
), kept as materialized (
    select e.*
    from exposed e join (select test, unit from exposed group by test, unit having count(distinct label) = 1) u on u.test = e.test and u.unit = e.unit
), wanted as (
    select unnest($measured::usmallint[]) as test, unnest($measures::varchar[]) as measure
), told as materialized (
    select name, trace_id, span_id, session_id, response_id, (commit_seq, time, score_id) as place, case when error_type is null then value end as value
    from /* part scores_standing */ standing where list_contains($measures::varchar[], 'score:' || name)
), answered as (
    select t.name, s.trace_id, s.span_id, t.place, t.value from told t join spans s on s.response_id = t.response_id
    where s.project_id = $project_id and s.start_time >= $since and s.start_time < $until
    union
    select t.name, d.trace_id, d.span_id, t.place, t.value from told t join span_derived d on d.response_id = t.response_id
    where d.project_id = $project_id
), newest as (
    select name, trace_id, span_id, arg_max_null(value, place) as value
    from (select name, trace_id, span_id, place, value from told where trace_id is not null union all select * from answered) group by name, trace_id, span_id
), of_sessions as (
    select name, session_id, arg_max_null(value, place) as value from told where session_id is not null and trace_id is null group by name, session_id
), sessions as (
    select test, unit, label, session_id, min(day) as day from kept where session_id is not null group by test, unit, label, session_id
)
select 'exposure' as measure, test, unit, label, day, 1.0::double as value from kept where test in (select test from wanted where measure = 'exposure')
union all
select 'error', test, unit, label, day, (status = 'error')::int::double from kept where test in (select test from wanted where measure = 'error')
union all
select 'latency', test, unit, label, day, duration_ns / 1e9 from kept where status <> 'error' and test in (select test from wanted where measure = 'latency')
union all
select 'cost', test, unit, label, day, cost_usd from kept
where cost_usd is not null and coalesce(unpriced_calls, 0) = 0 and test in (select test from wanted where measure = 'cost')
union all
select w.measure, k.test, k.unit, k.label, k.day, n.value
from newest n join kept k on k.trace_id = n.trace_id join wanted w on w.test = k.test and w.measure = 'score:' || n.name where n.value is not null
union all
select w.measure, s.test, s.unit, s.label, s.day, o.value
from of_sessions o join sessions s on s.session_id = o.session_id join wanted w on w.test = s.test and w.measure = 'score:' || o.name where o.value is not null
