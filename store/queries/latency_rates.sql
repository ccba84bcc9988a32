-- One row: calls that the filters keep, the failed ones among them, those whose question is known and the retries among these, and what was
-- told of caches.
select count(*) as calls,
       count(*) filter (where failed) as failed,
       count(retry) as asked,
       count(*) filter (where retry) as retries,
       count(*) filter (where input_tokens is not null and cache_read_tokens is not null) as cache_told,
       (sum(input_tokens) filter (where cache_read_tokens is not null))::bigint as cache_told_input_tokens,
       (sum(cache_read_tokens) filter (where input_tokens is not null))::bigint as cache_read_tokens
from /* part calls_kept */ kept
