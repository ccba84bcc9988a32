-- Calls of `calls_matching` that count, each as the sums over one call: columns as in `call_sums`, with its own start and `value`. A part of other
-- queries, which say what is `chosen`.
-- A cast of money that does not fit gives null; what a sender reports may be anything, and sums must hold it. At its price of plain input a
-- cached call would have paid (cache_read + cache_write) * input_usd / plain: where that is known, `saved_pico` is what it paid less.
select start_time, value, kind, service, environment, release, provider, model, prompt, variant, tool_name, 1::bigint as calls,
       failed::bigint as failed, (cost_usd is not null)::bigint as priced, (price_status = 'estimated')::bigint as estimated,
       (cost_usd is null and not (failed and silent))::bigint as unpriced,
       (cost_usd is null and not (failed and silent) and price_status <> 'unknown_model')::bigint as untold,
       (cost_usd is null and failed and silent)::bigint as silent_failures, (not failed and silent)::bigint as unknown_usage,
       cached::bigint as cached_calls, (cached and told_rate)::bigint as saved_calls,
       (retry is not null)::bigint as asked, coalesce(retry, false)::bigint as retries,
       (reported_cost_usd is not null)::bigint as reported, compared::bigint as compared, (compared and failed)::bigint as compared_failed,
       cost_pico, try_cast(input_usd * 1e12 as hugeint) as input_pico,
       try_cast(cache_read_usd * 1e12 as hugeint) as cache_read_pico, try_cast(cache_write_usd * 1e12 as hugeint) as cache_write_pico,
       try_cast(output_usd * 1e12 as hugeint) as output_pico, try_cast(other_usd * 1e12 as hugeint) as other_pico,
       reported_pico, case when compared then reported_pico end as compared_reported_pico,
       case when compared then cost_pico end as compared_computed_pico,
       case when cached and told_rate then try_cast(
           ((coalesce(cache_read_tokens, 0) + coalesce(cache_write_tokens, 0)) * input_usd / plain - cache_read_usd - cache_write_usd) * 1e12
           as hugeint) end as saved_pico,
       input_tokens, cache_read_tokens, cache_write_tokens, output_tokens, reasoning_tokens,
       (cache_told)::bigint as cache_told, case when cache_read_tokens is not null then input_tokens end as cache_told_input_tokens,
       case when input_tokens is not null then cache_read_tokens end as cache_told_read_tokens
from (
    select *, coalesce(cost_usd is not null and (cache_read_tokens > 0 or cache_write_tokens > 0), false) as cached,
           coalesce(plain > 0 and input_usd > 0 and usage_details is null, false) as told_rate,
           reported_cost_usd is not null and cost_usd is not null as compared,
           try_cast(cost_usd * 1e12 as hugeint) as cost_pico, case when reported_cost_usd <= 1e9 then try_cast(reported_cost_usd * 1e12 as hugeint) end as reported_pico,
           input_tokens is null and output_tokens is null as silent, input_tokens is not null and cache_read_tokens is not null as cache_told
    from (
        select *, input_tokens - coalesce(cache_read_tokens, 0) - coalesce(cache_write_tokens, 0) as plain
        from /* part calls_matching */ told where usage_role = 'leaf'
    ) measured
) told
