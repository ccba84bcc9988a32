-- One row per bucket and value of the relation `counted`: the `$top` values with the highest cost of the window have the places from 1 on, the dearest
-- first; the others are one row with the next place and no value; null has no place: unknown. A part of other queries.
with ranked as (
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
