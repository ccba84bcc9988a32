-- One row per request that could not be read at all, newest first; those of no known project are told to every project.
select time, source, signal, bytes, reason, sample
from refused_requests
where project_id = $project_id or project_id is null
order by time desc
limit $max_rows
