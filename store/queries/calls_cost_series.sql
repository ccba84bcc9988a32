-- One row per bucket and value with calls, as `calls_cost_placed` has them. Buckets as in `home_series`.
with counted as materialized (
    select (epoch_us(start_time) + $offset_us) // $bucket_us * $bucket_us - $offset_us as bucket_start, value,
           sum(cost_pico) as pico_usd, sum(calls) as calls, sum(unpriced) as unpriced
    from /* part calls_summed */ summed
    group by bucket_start, value
)
select * from /* part calls_cost_placed */ placed order by bucket, place nulls last
