-- One row per item and repeat of a run, in order: what one evaluator said, or what was measured of the answer.
select item, place, repeat, cluster, content, status, numbers[$measure] as value, passed[$measure] as passed,
       list_contains(failed, $measure) as failed
from run_rows
where project_id = $project_id and run_id = $run_id and place > $after_place
order by place, repeat
