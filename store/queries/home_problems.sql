-- One row per kind of failure (type and message of a trace's deepest failed span), most recently seen first.
-- `traces` counts traces, `trace_id` is the newest of them.
select error_type, left(error_message, 300) as error_message,
       count(*) as traces,
       max(start_time) as last_seen,
       arg_max(trace_id, start_time)::varchar as trace_id,
       arg_max(root_name, start_time) as root_name,
       arg_max(service, start_time) as service
from trace_summaries
where project_id = $project_id and start_time >= $since and start_time < $until and errors > 0
group by error_type, left(error_message, 300)
order by last_seen desc, traces desc
limit $max_rows
