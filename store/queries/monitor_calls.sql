-- Sums over the calls of each bucket of `$bucket_us` microseconds, oldest first; empty buckets have no row. `well`: calls that did not fail.
select make_timestamp(epoch_us(start_time) // $bucket_us * $bucket_us) as bucket, sum(calls)::bigint as calls, sum(failed)::bigint as failed,
       sum(calls - failed)::bigint as well, sum(unknown_usage)::bigint as unknown_usage, sum(asked)::bigint as asked, sum(retries)::bigint as retries,
       sum(cache_told)::bigint as cache_told, sum(cache_told_input_tokens)::double as cache_told_input_tokens,
       sum(cache_told_read_tokens)::double as cache_told_read_tokens, sum(priced)::bigint as priced, sum(unpriced)::bigint as unpriced,
       sum(cost_pico)::double / 1e12 as cost_usd
from /* part calls_summed */ summed
group by epoch_us(start_time) // $bucket_us
order by bucket
