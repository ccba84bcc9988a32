-- One row per trace and arm that it says to be of (column `label`): traces that started in the window. `unit` is null where the trace does not tell it.
-- A part of other queries.
select trace_id, session_id, date_trunc('day', start_time)::date as day, status, duration_ns, cost_usd, unpriced_calls,
       case $unit when 'user' then user_id when 'session' then session_id else trace_id::varchar end as unit,
       unnest(list_distinct(list_filter(variants, lambda one: list_contains($labels::varchar[], one)))) as label
from trace_summaries
where project_id = $project_id and start_time >= $since and start_time < $until and list_has_any(variants, $labels::varchar[])
