-- What one evaluator said of each item and repeat of a run, in order: amount (null: no verdict, or it is an error), failed, cluster, trace_id (null: there is
-- none), ruler (evaluator and version, as the run's manifest has them; null: it does not), total (of the rows). Of more than `$most` rows those of the items
-- with the lowest hashes.
with told as (
    select json_extract_string(manifest, $pointer || '/evaluator') as evaluator, json_extract_string(manifest, $pointer || '/version') as version
    from runs where project_id = $project_id and run_id = $run_id
), chosen as (
    select place, repeat, item, cluster, trace_id, numbers[$score] as amount, list_contains(failed, $score) as failed, count(*) over () as total
    from run_rows where project_id = $project_id and run_id = $run_id
)
select trace_id::varchar as trace_id, amount, failed, cluster, (select nullif(concat_ws(' ', evaluator, version), '') from told) as ruler, total
from chosen
where hash(item)::double < 18446744073709551616.0::double * $most / total
order by place, repeat
