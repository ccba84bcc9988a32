-- One row per bucket with calls: what each class of tokens cost. Buckets as in `home_series`.
select make_timestamp((epoch_us(start_time) + $offset_us) // $bucket_us * $bucket_us - $offset_us) as bucket,
       count(*) as calls,
       sum(try_cast(input_usd * 1e12 as hugeint)) / 1e12 as input_usd,
       sum(try_cast(cache_read_usd * 1e12 as hugeint)) / 1e12 as cache_read_usd,
       sum(try_cast(cache_write_usd * 1e12 as hugeint)) / 1e12 as cache_write_usd,
       sum(try_cast(output_usd * 1e12 as hugeint)) / 1e12 as output_usd,
       sum(try_cast(other_usd * 1e12 as hugeint)) / 1e12 as other_usd
from /* part calls_kept */ kept
group by bucket
order by bucket
