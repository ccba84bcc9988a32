-- One row per log record of the traces that belongs to a span and may tell of it, in order of time: those with one of these names.
-- `names` ending in '*' are prefixes.
select trace_id::varchar as trace_id, span_id, epoch_ns(time) as time_ns, severity, event_name, scope_name, body, attributes
from logs
where project_id = $project_id and trace_id in (select unnest($traces::uuid[])) and span_id is not null and event_name is not null
  and exists (
      select 1 from (select unnest($names::varchar[]) as name)
      where event_name = name or (ends_with(name, '*') and starts_with(event_name, name[:-2]))
  )
order by time, log_id
