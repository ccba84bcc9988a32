-- As `placed`, for many values. A part of other queries.
select told.*, coalesce(known.place, len($values::varchar[])::integer + if(value is null, 2, 1)) as place
from /* part latency_told */ told
left join (select unnest($values::varchar[]) as listed, generate_subscripts($values::varchar[], 1)::integer as place) known on listed = value
