-- One row per trace of a session that started within [since_us, until_us], in order of start: where to look for its spans.
select trace_id::varchar as trace_id, epoch_us(start_time) as start_us, duration_ns
from trace_summaries
where project_id = $project_id and session_id = $session_id and start_time >= make_timestamp($since_us) and start_time <= make_timestamp($until_us)
order by start_time, trace_id
limit $max_rows
