-- One row per bucket with such calls, oldest first: exact quantiles of the duration, in nanoseconds, of model calls that ended well.
-- Buckets as in `home_series`. A call told by several spans counts once; calls of unknown duration are left out.
with measured as (
    select (epoch_us(start_time) + $offset_us) // $bucket_us * $bucket_us - $offset_us as bucket_start,
           count(*) as calls, quantile_cont(duration_ns, [0.50, 0.95]) as quantiles
    from calls
    where project_id = $project_id and start_time >= $since and start_time < $until
      and kind = 'llm' and usage_role = 'leaf' and not failed and duration_ns is not null
    group by bucket_start
)
select make_timestamp(bucket_start) as bucket, calls, quantiles[1] as p50_ns, quantiles[2] as p95_ns
from measured
order by bucket
