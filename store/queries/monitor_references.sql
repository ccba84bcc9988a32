-- What the references of monitors let expect, as they were fitted last.
select monitor_id::varchar as monitor_id, content
from monitor_references
where project_id = $project_id and monitor_id in (select unnest($monitors::uuid[]))
order by monitor_id
