-- One row per call with such an amount, in no order: the number of its bucket times `$slots` and its place from 0, and the amount. Places: 0 to come
-- of `$values` in their order, then one for all other values, which are there if `$others`, then one for null. Without `$bucket_us` all is one
-- bucket, 0.
select case when $bucket_us::bigint is null then 0 else (epoch_us(start_time) + $offset_us) // $bucket_us * $slots end + (place - 1) as slot, amount
from /* part placed */ placed
where $others or place <> $slots - 1
