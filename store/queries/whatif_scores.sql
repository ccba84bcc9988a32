-- One row per name of scores that have a value, of calls and traces: most scores first.
select name, count(*) as scores, min(value) as lowest, max(value) as highest
from scores
where project_id = $project_id and value is not null and error_type is null and session_id is null
group by name order by scores desc, name limit $max_rows
