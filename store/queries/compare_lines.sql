-- The rows of a run at some places, all repeats of each, in order: place, repeat, trace_id, line (JSON, as in results.jsonl).
select place, repeat, trace_id, line
from run_rows
where project_id = $project_id and run_id = $run_id and place in (select unnest($places::bigint[]))
order by place, repeat
