-- One row per bucket of `bucket_us` microseconds with at least one trace in [since, until), oldest first. Buckets are counted from
-- 1970-01-01 in a zone `offset_us` ahead of UTC; their starts are told in UTC.
select make_timestamp((epoch_us(start_time) + $offset_us) // $bucket_us * $bucket_us - $offset_us) as bucket,
       count(*) as traces,
       count(*) filter (where status = 'error') as failed_traces,
       sum(model_calls_ok)::bigint as model_calls_ok,
       sum(model_calls_failed)::bigint as model_calls_failed,
       try_cast(sum(input_tokens) as bigint) as input_tokens,
       try_cast(sum(output_tokens) as bigint) as output_tokens,
       sum(unknown_usage_calls)::bigint as unknown_usage_calls
from trace_summaries
where project_id = $project_id and start_time >= $since and start_time < $until
group by bucket
order by bucket
