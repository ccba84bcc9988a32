-- One row per log record of the traces that belongs to a span, in order of time: content, when the span has none.
select trace_id::varchar as trace_id, span_id, epoch_ns(time) as time_ns, event_name, body, attributes, scope_name
from logs
where project_id = $project_id and trace_id in (select unnest($traces::uuid[])) and span_id is not null
order by time, log_id
