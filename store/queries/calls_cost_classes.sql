-- One row per bucket with calls: what each class of tokens cost. Buckets as in `home_series`.
select make_timestamp((epoch_us(start_time) + $offset_us) // $bucket_us * $bucket_us - $offset_us) as bucket,
       count(*) as calls,
       sum(try_cast(input_usd as decimal(38, 15)))::double as input_usd,
       sum(try_cast(cache_read_usd as decimal(38, 15)))::double as cache_read_usd,
       sum(try_cast(cache_write_usd as decimal(38, 15)))::double as cache_write_usd,
       sum(try_cast(output_usd as decimal(38, 15)))::double as output_usd,
       sum(try_cast(other_usd as decimal(38, 15)))::double as other_usd
from /* part calls_kept */ kept
group by bucket
order by bucket
