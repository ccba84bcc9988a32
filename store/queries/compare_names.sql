-- One row per name of scores with a value told from `$since` on, most scores first: `scale` is that of the newest one that tells it, JSON.
select name, count(*) as scores, arg_max(metadata['scale'], commit_seq) as scale
from scores
where project_id = $project_id and time >= $since and value is not null and error_type is null
group by name
order by scores desc, name
limit $max_rows
