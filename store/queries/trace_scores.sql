-- One row per score of a trace, of its spans or of its model calls by response id, newest first: the latest by (target, name,
-- evaluator with its version, author, source), what it leaves unsaid too: a failed one has no value.
-- `$responses` and `$response_spans` are lists side by side. The rows are found by narrow columns first: an `or` keeps the store from
-- skipping any, and it would unpack the reasons of all.
with told as (
    select unnest($responses::varchar[]) as response_id, unnest($response_spans::ubigint[]) as response_span
),
found as (
    select rowid as place, null::ubigint as response_span from scores where project_id = $project_id and trace_id = $trace_id
    union all
    select s.rowid, t.response_span from scores s join told t using (response_id) where s.project_id = $project_id
)
select s.name, arg_max_null(s.value, s.commit_seq) as value, arg_max_null(s.label, s.commit_seq) as label,
       arg_max_null(s.explanation, s.commit_seq) as explanation, s.source, s.evaluator,
       s.evaluator_version, s.author, arg_max_null(s.error_type, s.commit_seq) as error_type, max(s.time) as time,
       printf('%016x', coalesce(s.span_id, f.response_span)) as span_id, arg_max_null(s.metadata, s.commit_seq) as metadata
from scores s join found f on f.place = s.rowid
group by s.name, s.evaluator, s.evaluator_version, s.author, s.source, coalesce(s.span_id, f.response_span), s.response_id
order by time desc, s.name, s.evaluator, s.evaluator_version
limit $max_rows
