-- One row per tool run or retrieval of a trace, in order of start: what was asked and what came of it, to tell repeats by. Arguments of more
-- than 4,096 letters, and all results, are stood for by a hash of the whole. Ids are numbers.
select span_id, kind, coalesce(tool_name, name) as name, case when length(input) <= 4096 then input else md5(input) end as arguments,
       md5(output) as result, status = 'error' or error_type is not null as failed
from spans
where project_id = $project_id and trace_id = $trace_id and start_time >= $since and start_time < $until
  and kind in ('tool', 'retriever')
order by start_time, span_id
limit $max_rows
