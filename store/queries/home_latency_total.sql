-- One row: exact quantiles of the duration, in nanoseconds, of the model calls of `home_latency`, over the whole window. Null without calls.
with measured as (
    select count(*) as calls, quantile_cont(s.duration_ns, [0.50, 0.95]) as quantiles
    from spans s
    left join span_derived d on d.project_id = $project_id and d.trace_id = s.trace_id and d.span_id = s.span_id
    where s.project_id = $project_id and s.start_time >= $since and s.start_time < $until
      and s.kind = 'llm' and s.duration_ns is not null and s.status <> 'error'
      and coalesce(d.usage_role, s.usage_role, 'leaf') = 'leaf'
)
select calls, quantiles[1] as p50_ns, quantiles[2] as p95_ns from measured
