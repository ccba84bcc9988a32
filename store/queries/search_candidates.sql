-- One row per trace that started in [since, until), comes after the given one (null: from the newest on) and meets every filter: what a search looks at
-- next, newest first, at most `$most`.
select trace_id, epoch_us(start_time) as start_us, duration_ns, spans
from trace_summaries
where project_id = $project_id and start_time >= $since and start_time < $until
  and ($after_us::bigint is null or start_time < make_timestamp($after_us) or (start_time = make_timestamp($after_us) and trace_id < $after_trace::uuid))
  and /* part trace_conditions */
order by start_time desc, trace_id desc
limit $most
