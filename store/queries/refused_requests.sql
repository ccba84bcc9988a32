-- One row per request that could not be read at all, newest first. Those of no known project are told to every project, and their sample to none:
-- a mistyped name does not make a text everybody's. Whoever may ask in SQL finds it in the table.
select time, source, signal, bytes, reason, case when project_id is not null then sample end as sample
from refused_requests
where project_id = $project_id or project_id is null
order by time desc
limit $max_rows
