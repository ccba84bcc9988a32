-- One row per trace of the list `$traces`, newest first, as `traces` shows them. They started within [since_us, until_us]. `total` is unknown: a search goes on.
select t.* exclude (id, root_span_id), epoch_us(start_time) as sort_key, epoch_us(start_time) as start_us, null::bigint as total, t.root_span_id
from /* part traces_shown */ t
where start_time >= make_timestamp($since_us) and start_time <= make_timestamp($until_us) and id in (select unnest($traces::uuid[]))
order by start_time desc, id desc
