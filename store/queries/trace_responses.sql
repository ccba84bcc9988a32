-- One row per response id that a trace's model calls tell, or log records of them, with the first span that does.
-- Only spans that start in [since, until).
select coalesce(d.response_id, s.response_id) as response_id, arg_min(s.span_id, s.start_time) as span_id
from spans s
left join span_derived d on d.project_id = $project_id and d.trace_id = $trace_id and d.span_id = s.span_id
where s.project_id = $project_id and s.trace_id = $trace_id and s.start_time >= $since and s.start_time < $until
  and coalesce(d.response_id, s.response_id) is not null
group by coalesce(d.response_id, s.response_id)
order by 1
