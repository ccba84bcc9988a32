-- One row per bucket, oldest first, and one with a null bucket for the whole window, last: exact quantiles of the duration, in
-- nanoseconds, of model calls that ended well. A call told by several spans counts once; calls of unknown duration are left out.
select make_timestamp(epoch_us(s.start_time) // $bucket_us * $bucket_us) as bucket,
       count(*) as calls,
       quantile_cont(s.duration_ns, 0.50) as p50_ns,
       quantile_cont(s.duration_ns, 0.95) as p95_ns
from spans s
where s.project_id = $project_id and s.start_time >= $since and s.start_time < $until
  and s.kind = 'llm' and s.duration_ns is not null and s.status <> 'error'
  and (s.usage_role is null or s.usage_role = 'leaf')
  and not exists (
      select 1 from span_derived d
      where d.project_id = $project_id and d.trace_id = s.trace_id and d.span_id = s.span_id
        and d.usage_role in ('duplicate', 'aggregate')
  )
group by grouping sets ((bucket), ())
order by bucket nulls last
