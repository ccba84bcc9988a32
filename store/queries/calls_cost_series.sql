-- One row per bucket and value with calls: the `$top` values with the highest cost of the window have the places from 1 on, the dearest
-- first; the others are one row with the next place and no value; null has no place: unknown. Buckets as in `home_series`.
with counted as materialized (
    select (epoch_us(start_time) + $offset_us) // $bucket_us * $bucket_us - $offset_us as bucket_start, value,
           sum(cost_pico) as pico_usd, sum(calls) as calls, sum(unpriced) as unpriced
    from /* part calls_summed */ summed
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
