-- One row per span of a trace whose texts hold `wanted`, whatever the case, in order of start. Ids are numbers.
select s.span_id
from spans s
left join span_derived d on d.project_id = $project_id and d.trace_id = $trace_id and d.span_id = s.span_id
where s.project_id = $project_id and s.trace_id = $trace_id and s.start_time >= $since and s.start_time < $until
  and (contains(lower(s.name), lower($wanted)) or contains(lower(coalesce(d.error_message, s.error_message, s.status_message)), lower($wanted))
    or contains(lower(coalesce(d.error_type, s.error_type)), lower($wanted))
    or contains(lower(coalesce(d.input, s.input)), lower($wanted)) or contains(lower(coalesce(d.output, s.output)), lower($wanted)))
order by s.start_time, s.span_id
limit $max_rows
