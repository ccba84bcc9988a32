-- Traces of the relation `scored`, rows of `monitor_targets`, and those of its sessions. A part of other queries.
select trace_id from scored where trace_id is not null
union all
select trace_id from trace_summaries where project_id = $project_id and session_id in (select session_id from scored where session_id is not null)
