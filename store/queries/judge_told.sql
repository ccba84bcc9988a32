-- Scores that no person gave, `number` their row, with the span of each that names a response id alone: of several spans that tell one response the call.
-- Those of a response that is not stored are left out. A part of other queries.
with named as not materialized (
    select rowid as number, name, evaluator, evaluator_version, trace_id, span_id, session_id, response_id, (commit_seq, time, score_id) as place
    from scores where project_id = $project_id and source not in ('human', 'user')
), responses as materialized (
    select distinct response_id from named where response_id is not null
), answered as materialized (
    select r.response_id, s.trace_id, s.span_id from responses r join spans s on s.response_id = r.response_id where s.project_id = $project_id
    union
    select r.response_id, d.trace_id, d.span_id from responses r join span_derived d on d.response_id = r.response_id where d.project_id = $project_id
), spans_of as (
    select a.response_id, arg_min({trace_id: a.trace_id, span_id: a.span_id}, (c.span_id is null, a.trace_id, a.span_id)) as found
    from answered a left join calls c on c.project_id = $project_id and c.usage_role = 'leaf' and c.trace_id = a.trace_id and c.span_id = a.span_id
    group by a.response_id
)
select number, name, evaluator, evaluator_version, trace_id, span_id, session_id, place from named where response_id is null
union all
select n.number, n.name, n.evaluator, n.evaluator_version, o.found.trace_id, o.found.span_id, null, n.place
from named n join spans_of o on o.response_id = n.response_id
