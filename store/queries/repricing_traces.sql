-- One row per trace that started in [since, until) (null: open), after the given one, in order of (start_time, trace_id): a slice of a repricing.
select trace_id::varchar as trace_id, start_time, start_time + to_microseconds(duration_ns // 1000) as end_time
from trace_summaries
where project_id = $project_id
  and ($since::timestamp is null or start_time >= $since::timestamp)
  and ($until::timestamp is null or start_time < $until::timestamp)
  and ($after_start::timestamp is null or start_time >= $after_start::timestamp)
  and ($after_start::timestamp is null or (start_time, trace_id) > ($after_start::timestamp, $after_trace::uuid))
order by start_time, trace_id
limit $traces
