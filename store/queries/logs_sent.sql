-- One row per log record, as it was received, of the traces of the list `$traces`, in order of (time, log_id), after the given one (null: from the first on):
-- at most `$most`.
select log_id, trace_id, span_id, epoch_us(time) as time_us, severity, severity_text, event_name, origin_id, body, flags, dropped_attributes, attributes
from logs
where project_id = $project_id and trace_id in (select unnest($traces::uuid[]))
  and ($after_us::bigint is null or (epoch_us(time), log_id) > ($after_us::bigint, $after_log::ubigint))
order by time, log_id
limit $most
