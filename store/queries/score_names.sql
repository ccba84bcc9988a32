-- One row per name of scores told from `$since` on, most scores first. `labels`: the most frequent first.
with counted as (
    select name, label, count(*) as scores, count(*) filter (where error_type is not null) as failed, count(value) as valued,
           min(value) as low, max(value) as high
    from scores
    where project_id = $project_id and time >= $since
    group by name, label
)
select name, sum(scores)::bigint as scores, sum(failed)::bigint as failed, sum(valued)::bigint as valued, min(low) as low, max(high) as high,
       coalesce(list(label order by scores desc, label) filter (where label is not null), [])[:50] as labels
from counted
group by name
order by scores desc, name
limit $max_rows
