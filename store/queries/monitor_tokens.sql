-- Tokens of the calls of each bucket of `$bucket_us` microseconds, oldest first: how many calls told them, and their sums. Buckets without a call have no row.
select make_timestamp(epoch_us(start_time) // $bucket_us * $bucket_us) as bucket, count(input_tokens) as input_told,
       sum(input_tokens)::double as input_tokens, count(output_tokens) as output_told, sum(output_tokens)::double as output_tokens
from /* part calls_kept */ kept
group by epoch_us(start_time) // $bucket_us
order by bucket
