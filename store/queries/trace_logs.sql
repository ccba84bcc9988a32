-- One row per log record of a trace, in order of time.
select time, severity, severity_text, event_name, printf('%016x', span_id) as span_id, service, body, attributes
from logs
where project_id = $project_id and trace_id = $trace_id
order by time, log_id
limit $max_rows
