-- One row per quarter of an hour among `$quarters` and combination of what tells calls apart: the columns of `call_sums` but `project_id`.
with chosen as not materialized (
    select * from calls where project_id = $project_id and start_time >= $since and start_time < $until
)
select make_timestamp(epoch_us(start_time) // 900000000 * 900000000) as quarter, kind, service, environment, release, provider, model, prompt,
       variant, tool_name, sum(calls)::bigint as calls, sum(failed)::bigint as failed, sum(priced)::bigint as priced,
       sum(estimated)::bigint as estimated, sum(unpriced)::bigint as unpriced, sum(untold)::bigint as untold,
       sum(silent_failures)::bigint as silent_failures, sum(unknown_usage)::bigint as unknown_usage, sum(cached_calls)::bigint as cached_calls,
       sum(saved_calls)::bigint as saved_calls, sum(asked)::bigint as asked, sum(retries)::bigint as retries, sum(reported)::bigint as reported,
       sum(compared)::bigint as compared, sum(compared_failed)::bigint as compared_failed, sum(cost_pico) as cost_pico,
       sum(input_pico) as input_pico, sum(cache_read_pico) as cache_read_pico, sum(cache_write_pico) as cache_write_pico,
       sum(output_pico) as output_pico, sum(other_pico) as other_pico, sum(reported_pico) as reported_pico,
       sum(compared_reported_pico) as compared_reported_pico, sum(compared_computed_pico) as compared_computed_pico, sum(saved_pico) as saved_pico,
       sum(input_tokens) as input_tokens, sum(cache_read_tokens) as cache_read_tokens,
       sum(cache_write_tokens) as cache_write_tokens, sum(output_tokens) as output_tokens,
       sum(reasoning_tokens) as reasoning_tokens, sum(cache_told)::bigint as cache_told,
       sum(cache_told_input_tokens) as cache_told_input_tokens, sum(cache_told_read_tokens) as cache_told_read_tokens
from /* part calls_counted */ counted
where make_timestamp(epoch_us(start_time) // 900000000 * 900000000) in (select unnest($quarters::timestamp[]))
group by all
