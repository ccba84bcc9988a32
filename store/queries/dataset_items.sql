-- One row per item of a version that the filters (null: any) keep, in order, with how many they keep in all.
with kept as (
    select place
    from dataset_items
    where project_id = $project_id and dataset_id = $dataset_id
      and since_version <= $version and (until_version is null or until_version > $version)
      and ($split::varchar is null or coalesce(split, '') = $split)
      and ($tag::varchar is null or list_contains(tags, $tag))
      and ($text::varchar is null or contains(lower(row), lower($text)) or contains(lower(item), lower($plain)))
), page as (
    select place from kept
    where case when $backward then place < $after_place else place > $after_place end
    order by case when $backward then -place else place end
    limit $page_size
)
select i.place, i.item, i.split, i.tags, i.trace_id, i.span_id, i.row, i.since_version, (select count(*) from kept) as matching,
       (select count(*) from kept where place < (select min(place) from page)) as before
from dataset_items i join page using (place)
where i.project_id = $project_id and i.dataset_id = $dataset_id
  and i.since_version <= $version and (i.until_version is null or i.until_version > $version)
order by i.place
