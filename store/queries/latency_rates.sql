-- One row: calls that the filters keep, the failed ones among them, those whose question is known and the retries among these, and what was
-- told of caches.
select coalesce(sum(calls), 0)::bigint as calls, coalesce(sum(failed), 0)::bigint as failed, coalesce(sum(asked), 0)::bigint as asked,
       coalesce(sum(retries), 0)::bigint as retries, coalesce(sum(cache_told), 0)::bigint as cache_told,
       try_cast(sum(cache_told_input_tokens) as bigint) as cache_told_input_tokens, try_cast(sum(cache_told_read_tokens) as bigint) as cache_read_tokens
from /* part calls_summed */ summed
