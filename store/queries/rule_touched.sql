-- One row: start of the earliest trace with a session whose newest span came with a commit in (after, upto]; null: there is none.
select min(start_time) as earliest from trace_summaries
where project_id = $project_id and resolved_seq > $after and resolved_seq <= $upto and session_id is not null
