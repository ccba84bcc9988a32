-- One row per trace of the list `$traces` that is known: where its spans are, and what tells it apart.
select trace_id::varchar as trace_id, epoch_us(start_time) as start_us, duration_ns, session_id, service, environment, release, models, prompts, variants
from trace_summaries
where project_id = $project_id and trace_id in (select unnest($traces::uuid[]))
order by start_time desc, trace_id
