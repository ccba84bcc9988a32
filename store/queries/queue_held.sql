-- Traces that started in [since, until) and meet every filter (null: any): where they are and what tells them apart. A part of other queries.
select trace_id, session_id, start_time, duration_ns, service, environment, release, models, prompts, variants
from trace_summaries
where project_id = $project_id and start_time >= $since and start_time < $until and /* part trace_conditions */
