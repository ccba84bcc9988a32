-- One row per call with such an amount, in no order: the number of its bucket times `$slots` and its place, and the amount. Places: 0 to come of
-- `$values` in their order, then one for all other values, which are there if `$others`, then one for null.
select (epoch_us(start_time) + $offset_us) // $bucket_us * $slots
           + coalesce(place, case when value is null then $slots - 1 else $slots - 2 end) as slot, amount
from /* part latency_measured */ measured
left join (select unnest($values::varchar[]) as listed, generate_subscripts($values::varchar[], 1) - 1 as place) known on listed = value
where amount is not null and ($others or place is not null or value is null)
