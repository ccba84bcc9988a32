-- One row per trace and arm that it says to be of (column `label`): traces that started in the window. `unit` is a hash, as text would take twice the
-- time (two of a million units share one with a chance of 1 in 40 million); null where the trace does not tell it. A part of other queries.
select trace_id, session_id, date_trunc('day', start_time)::date as day, status, duration_ns, cost_usd, unpriced_calls,
       case $unit when 'user' then case when user_id is not null then hash(user_id) end
                  when 'session' then case when session_id is not null then hash(session_id) end else hash(trace_id) end as unit,
       unnest(list_distinct(list_filter(variants, lambda one: list_contains($labels::varchar[], one)))) as label
from trace_summaries
where project_id = $project_id and start_time >= $since and start_time < $until and list_has_any(variants, $labels::varchar[])
