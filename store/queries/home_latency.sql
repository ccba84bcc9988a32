-- One row per bucket with such calls, oldest first: exact quantiles of the duration, in nanoseconds, of model calls that ended well.
-- Buckets as in `home_series`. A call told by several spans counts once; calls of unknown duration are left out.
-- A left join, since `not exists` takes eight times as long here (350 against 43 ms over 3 million calls).
with calls as (
    select (epoch_us(s.start_time) + $offset_us) // $bucket_us * $bucket_us - $offset_us as bucket_start, s.duration_ns
    from spans s
    left join span_derived d on d.project_id = $project_id and d.trace_id = s.trace_id and d.span_id = s.span_id
    where s.project_id = $project_id and s.start_time >= $since and s.start_time < $until
      and s.kind = 'llm' and s.duration_ns is not null and s.status <> 'error'
      and coalesce(d.usage_role, s.usage_role, 'leaf') = 'leaf'
), measured as (
    select bucket_start, count(*) as calls, quantile_cont(duration_ns, [0.50, 0.95]) as quantiles from calls group by bucket_start
)
select make_timestamp(bucket_start) as bucket, calls, quantiles[1] as p50_ns, quantiles[2] as p95_ns
from measured
order by bucket
