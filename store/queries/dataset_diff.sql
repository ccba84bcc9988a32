-- One row per item that differs between two versions, by id: added, removed or changed, both states, how many in all.
with before as (
    select * from dataset_items
    where project_id = $project_id and dataset_id = $dataset_id and since_version <= $older
      and until_version > $older and until_version <= $newer
), after as (
    select * from dataset_items
    where project_id = $project_id and dataset_id = $dataset_id and since_version > $older and since_version <= $newer
      and (until_version is null or until_version > $newer)
), differing as (
    select coalesce(b.item, a.item) as item,
           case when b.item is null then 'added' when a.item is null then 'removed' else 'changed' end as change,
           b.row as row_before, a.row as row_after, b.split as split_before, a.split as split_after,
           b.tags as tags_before, a.tags as tags_after
    from before b full join after a on a.item = b.item
    where a.whole is distinct from b.whole or a.split is distinct from b.split
)
select *, (select count(*) from differing where change = 'added') as added,
       (select count(*) from differing where change = 'removed') as removed,
       (select count(*) from differing where change = 'changed') as changed
from differing
where item > $after_item and ($change::varchar is null or change = $change)
order by item
limit $page_size
