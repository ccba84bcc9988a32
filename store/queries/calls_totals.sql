-- One row: sums over the calls that the filters keep. Sums of money are of whole
-- 1e-12 dollars, since the order of rows varies; of decimals they take twice as long.
select count(*) as calls,
       count(*) filter (where failed) as failed,
       count(cost_usd) as priced,
       count(*) filter (where price_status = 'estimated') as estimated,
       count(*) filter (where cost_usd is null and not (failed and input_tokens is null and output_tokens is null)) as unpriced,
       count(*) filter (
           where cost_usd is null and not (failed and input_tokens is null and output_tokens is null) and price_status <> 'unknown_model'
       ) as untold,
       count(*) filter (where cost_usd is null and failed and input_tokens is null and output_tokens is null) as silent_failures,
       count(*) filter (where not failed and input_tokens is null and output_tokens is null) as unknown_usage,
       sum(try_cast(cost_usd * 1e12 as hugeint)) / 1e12 as cost_usd,
       sum(try_cast(input_usd * 1e12 as hugeint)) / 1e12 as input_usd,
       sum(try_cast(cache_read_usd * 1e12 as hugeint)) / 1e12 as cache_read_usd,
       sum(try_cast(cache_write_usd * 1e12 as hugeint)) / 1e12 as cache_write_usd,
       sum(try_cast(output_usd * 1e12 as hugeint)) / 1e12 as output_usd,
       sum(try_cast(other_usd * 1e12 as hugeint)) / 1e12 as other_usd,
       sum(reported_cost_usd) as reported_usd,
       sum(input_tokens)::bigint as input_tokens,
       sum(cache_read_tokens)::bigint as cache_read_tokens,
       sum(cache_write_tokens)::bigint as cache_write_tokens,
       sum(output_tokens)::bigint as output_tokens,
       sum(reasoning_tokens)::bigint as reasoning_tokens,
       count(*) filter (where input_tokens is not null and cache_read_tokens is not null) as cache_told,
       (sum(input_tokens) filter (where cache_read_tokens is not null))::bigint as cache_told_input_tokens,
       count(*) filter (where cached) as cached_calls,
       count(*) filter (where cached and told_rate) as saved_calls,
       -- At its price of plain input a call would have paid (cache_read + cache_write) * input_usd / plain.
       sum(case when cached and told_rate then
               (coalesce(cache_read_tokens, 0) + coalesce(cache_write_tokens, 0)) * input_usd / plain - cache_read_usd - cache_write_usd
           end) as saved_usd
from (
    select *, cost_usd is not null and (cache_read_tokens > 0 or cache_write_tokens > 0) as cached,
           plain > 0 and input_usd > 0 and usage_details is null as told_rate
    from (
        select *, input_tokens - coalesce(cache_read_tokens, 0) - coalesce(cache_write_tokens, 0) as plain from /* part calls_kept */ kept
    ) counted
) told
