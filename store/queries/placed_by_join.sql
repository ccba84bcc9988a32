-- As `placed`, for many values. A part of other queries.
select measured.*, place
from /* part latency_measured */ measured
left join (select unnest($values::varchar[]) as listed, generate_subscripts($values::varchar[], 1) as place) known on listed = value
