-- Calls of the traces with the lowest hashes, `$share` of all, oldest first: what each is, and what tells it apart. A failed call has no duration and no time
-- to its first token, and its usage is not unknown, but none.
select trace_id::varchar as trace_id, start_time, failed, case when not failed then (input_tokens is null and output_tokens is null)::int end as unknown_usage,
       retry::int as retry, case when input_tokens > 0 then cache_read_tokens / input_tokens end as cache_hit_share, cost_usd as cost,
       case when not failed then duration_ns / 1e6 end as duration, case when not failed then ttft_ns / 1e6 end as ttft, input_tokens, output_tokens,
       /* part compare_cluster */ as cluster, service, environment, model, provider, release, prompt, variant, tool_name as tool,
       nullif(array_to_string(list_sort(tags), ', '), '') as tags
from /* part calls_kept */ kept
where $share >= 1 or hash(trace_id)::double < $share * 18446744073709551616.0
order by start_time, trace_id, span_id
