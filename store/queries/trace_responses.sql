-- One row per response id that a trace's model calls tell, with the first span that tells it. Only spans that start in [since, until).
select response_id, arg_min(span_id, start_time) as span_id
from spans
where project_id = $project_id and trace_id = $trace_id and response_id is not null and start_time >= $since and start_time < $until
group by response_id
order by response_id
