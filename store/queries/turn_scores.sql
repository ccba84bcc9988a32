-- One row per score of the traces of `$traces`, of their spans and of their model calls by response id (`$responses`, with the trace of each in
-- `$response_traces`): the latest by target, name, evaluator with its version, author and source, that was not taken back. Oldest first.
with asked as (
    select unnest($traces::uuid[]) as trace_id
), told as (
    select unnest($responses::varchar[]) as response_id, unnest($response_traces::uuid[]) as trace_id
), found as (
    select s.rowid as place, a.trace_id from scores s join asked a on a.trace_id = s.trace_id where s.project_id = $project_id
    union all
    select s.rowid, t.trace_id from scores s join told t on t.response_id = s.response_id where s.project_id = $project_id
), newest as (
    select f.trace_id, s.name, s.evaluator, s.evaluator_version, s.author, s.span_id, s.response_id,
           arg_max_null(s.value, s.commit_seq) as value, arg_max_null(s.label, s.commit_seq) as label,
           s.source, arg_max_null(s.error_type, s.commit_seq) as error_type, max(s.time) as time
    from scores s join found f on f.place = s.rowid
    group by f.trace_id, s.name, s.evaluator, s.evaluator_version, s.author, s.source, s.span_id, s.response_id
)
select trace_id::varchar as trace_id, name, value, label, source, evaluator, evaluator_version, author, error_type, time,
       printf('%016x', span_id) as span_id
from newest where error_type is distinct from 'withdrawn'
order by time, name, evaluator, author, span_id
limit $max_rows
