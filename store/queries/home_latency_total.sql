-- One row per model call of `home_latency` in the window, in no order: its duration in nanoseconds.
select duration_ns::double as amount
from calls
where project_id = $project_id and start_time >= $since and start_time < $until
  and kind = 'llm' and usage_role = 'leaf' and not failed and duration_ns is not null
