-- One row per key of the items' metadata by which a run could be sliced: two values or more, each of two items or more on average. From its first 500 items.
with cases as materialized (
    select line from run_rows where project_id = $project_id and run_id = $run_id and repeat = 0 and place < 500
), told as (
    select unnest(json_keys(line, '/case/metadata')) as key, line from cases
), cells as (
    select key, json_extract_string(line, '/case/metadata/' || replace(replace(key, '~', '~0'), '/', '~1')) as value from told
)
select key, count(distinct value) as groups, count(value) as items
from cells
group by key
having count(distinct value) between 2 and count(value) / 2 and count(distinct value) <= 50
order by groups, key
