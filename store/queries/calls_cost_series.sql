-- One row per bucket and value with calls: the `$top` values with the highest cost of the window have the places from 1 on, the dearest
-- first; the others are one row with the next place and no value; null has no place: unknown. Buckets as in `home_series`.
with counted as materialized (
    select (epoch_us(start_time) + $offset_us) // $bucket_us * $bucket_us - $offset_us as bucket_start, value,
           sum(try_cast(cost_usd * 1e12 as hugeint)) as pico_usd, count(*) as calls,
           count(*) filter (where cost_usd is null and not (failed and input_tokens is null and output_tokens is null)) as unpriced
    from /* part calls_kept */ kept
    group by bucket_start, value
), ranked as (
    select value, least($top + 1, row_number() over (order by sum(pico_usd) desc nulls last, sum(calls) desc, value)) as place
    from counted where value is not null group by value
), placed as (
    select c.*, r.place, case when r.place <= $top then c.value end as shown from counted c left join ranked r on r.value = c.value
)
select make_timestamp(bucket_start) as bucket, shown as value, place,
       sum(pico_usd) / 1e12 as cost_usd, sum(calls)::bigint as calls, sum(unpriced)::bigint as unpriced
from placed
group by bucket_start, shown, place
order by bucket, place nulls last
