-- One row per bucket in which a trace of the user started, within [since, until). Buckets are whole multiples of `$bucket_us` since 1970 in a zone
-- `$offset_us` ahead of UTC.
select make_timestamp((epoch_us(start_time) + $offset_us::bigint) // $bucket_us * $bucket_us - $offset_us::bigint) as bucket,
       count(*) as traces, count(*) filter (where status = 'error') as failed, count(distinct session_id) as sessions,
       sum(model_calls_ok + model_calls_failed)::bigint as model_calls, sum(cost_usd) as cost_usd,
       coalesce(sum(unpriced_calls), 0)::bigint as unpriced_calls
from trace_summaries
where project_id = $project_id and user_id = $user_id and start_time >= $since and start_time < $until
group by bucket order by bucket
