-- One row per repricing of the project, newest first.
select repricing_id, started_at, finished_at, since, until, reason, author, own_version, list_version, calls, changed, sum_before, sum_after
from repricings
where project_id = $project_id
order by repricing_id desc
limit $max_rows
