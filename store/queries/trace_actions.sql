-- One row per tool run or retrieval of a trace, in order of start: what was asked and what came of it, to tell repeats by. Arguments of more
-- than 4,096 letters, and all results, are stood for by a hash of the whole. Spans that tell a run again, or sum runs up, are left out. Ids are numbers.
select s.span_id, s.kind, coalesce(s.tool_name, s.name) as name,
       case when length(s.input) <= 4096 then s.input else md5(s.input) end as arguments, md5(s.output) as result,
       s.status = 'error' or s.error_type is not null as failed
from spans s left join span_derived d on d.project_id = $project_id and d.trace_id = $trace_id and d.span_id = s.span_id
where s.project_id = $project_id and s.trace_id = $trace_id and s.start_time >= $since and s.start_time < $until
  and s.kind in ('tool', 'retriever') and coalesce(d.usage_role, s.usage_role, '') not in ('duplicate', 'aggregate')
order by s.start_time, s.span_id
limit $max_rows
