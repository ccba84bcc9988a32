-- One row per span of a trace that retrieved documents, in order of start, from `skipped` on; spans that tell a retrieval again are left out.
-- `documents`: a JSON list of {rank, id, text, score, metadata}. Ids are 16 hex digits.
select printf('%016x', s.span_id) as span_id, s.name, s.kind, epoch_us(s.start_time) as start_us, left(s.input, 2000) as query, s.documents
from spans s left join span_derived d on d.project_id = $project_id and d.trace_id = $trace_id and d.span_id = s.span_id
where s.project_id = $project_id and s.trace_id = $trace_id and s.start_time >= $since and s.start_time < $until
  and s.documents is not null and coalesce(d.usage_role, s.usage_role, '') <> 'duplicate'
order by s.start_time, s.span_id
limit $max_rows offset $skipped
