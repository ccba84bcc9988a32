-- One row per bucket of `$bucket_us` with a trace, in order: of the traces that started in [since, until), meet every filter and are of the list `$traces` (null: any).
-- Buckets begin at whole multiples of their length since 1970, shifted by `$offset_us`; durations in nanoseconds.
select make_timestamp(((epoch_us(start_time) + $offset_us) // $bucket_us) * $bucket_us - $offset_us) as bucket, count(*) as traces,
       count(*) filter (where status = 'error') as errors, quantile_cont(duration_ns, 0.5) as p50_ns, quantile_cont(duration_ns, 0.95) as p95_ns
from trace_summaries
where project_id = $project_id and start_time >= $since and start_time < $until
  and ($traces::uuid[] is null or trace_id in (select unnest($traces::uuid[]))) and /* part trace_conditions */
group by bucket order by bucket
