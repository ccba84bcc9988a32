-- One row per item and repeat of several runs, in their order: `run` counts them from 1; what the evaluator said as a number, and whether it passes. `target`
-- and `trace`: as of judge_labels, of the trace that the answer went on with (null: the target told none).
select list_position($runs::uuid[], run_id)::integer as run, place, repeat, item, content, cluster as called, hash(trace_id, null::ubigint, null::varchar) as target,
       hash(trace_id) as trace, trace_id is not null as traced, numbers[$measure] as value, passed[$measure]::integer::double as passed
from run_rows
where project_id = $project_id and run_id in (select unnest($runs::uuid[])) and not list_contains(failed, $measure)
order by run, place, repeat
