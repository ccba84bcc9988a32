-- One row per score of a trace, of its spans or of its model calls by response id: the latest by (target, name, evaluator, author), what
-- it leaves unsaid too: a failed one has no value.
select s.name, arg_max_null(s.value, s.commit_seq) as value, arg_max_null(s.label, s.commit_seq) as label,
       arg_max_null(s.explanation, s.commit_seq) as explanation, arg_max_null(s.source, s.commit_seq) as source, s.evaluator,
       arg_max_null(s.evaluator_version, s.commit_seq) as evaluator_version, s.author,
       arg_max_null(s.error_type, s.commit_seq) as error_type, max(s.time) as time, printf('%016x', s.span_id) as span_id
from scores s
where s.project_id = $project_id
  and (s.trace_id = $trace_id
       or s.response_id in (select r.response_id from spans r
                            where r.project_id = $project_id and r.trace_id = $trace_id and r.response_id is not null))
group by s.name, s.evaluator, s.author, s.span_id, s.response_id
order by s.name, time
limit $max_rows
