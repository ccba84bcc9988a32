-- One row: exact quantiles of the duration, in nanoseconds, of the model calls of `home_latency`, over the whole window. Null without calls.
with measured as (
    select count(*) as calls, quantile_cont(duration_ns, [0.50, 0.95]) as quantiles
    from calls
    where project_id = $project_id and start_time >= $since and start_time < $until
      and kind = 'llm' and usage_role = 'leaf' and not failed and duration_ns is not null
)
select calls, quantiles[1] as p50_ns, quantiles[2] as p95_ns from measured
