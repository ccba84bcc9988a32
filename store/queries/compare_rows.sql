-- One row per item and repeat of several runs, in their order: `run` counts them from 1; `said`, `passes` and `faults` have one value per name of `$measures`
-- (null: not known): the number, whether it passes (1 or 0), whether the verdict is an error. Of more items than `$most_items` those with the lowest hashes.
-- `label`: what the JSON pointer `$pointer` finds in the row, told in the row of the first repeat alone.
with chosen as not materialized (
    select * from run_rows where project_id = $project_id and run_id in (select unnest($runs::uuid[]))
), items as materialized (
    select distinct item from chosen
), drawn as materialized (
    select item from items order by hash(item), item limit $most_items
)
select list_position($runs::uuid[], run_id)::integer as run, place, repeat, item, cluster, content, status = 'error' as lost,
       list_transform($measures::varchar[], lambda name: numbers[name]) as said,
       list_transform($measures::varchar[], lambda name: passed[name]::integer::double) as passes,
       list_transform($measures::varchar[], lambda name: list_contains(failed, name)) as faults,
       case when $pointer::varchar is not null and repeat = 0 then json_extract_string(line, $pointer) end as label,
       (select count(*) from items) as items
from chosen
where item in (select item from drawn)
order by run, place, repeat
