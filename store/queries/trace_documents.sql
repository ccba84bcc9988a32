-- One row per span of a trace that retrieved documents, in order of start, from `skipped` on. `documents`: a JSON list of {rank, id, text, score, metadata}.
-- Ids are 16 hex digits.
select printf('%016x', span_id) as span_id, name, kind, epoch_us(start_time) as start_us, left(input, 2000) as query, documents
from spans
where project_id = $project_id and trace_id = $trace_id and start_time >= $since and start_time < $until and documents is not null
order by start_time, span_id
limit $max_rows offset $skipped
