-- One row per bucket with calls: what each class of tokens cost. Buckets as in `home_series`.
select make_timestamp((epoch_us(start_time) + $offset_us) // $bucket_us * $bucket_us - $offset_us) as bucket,
       sum(calls)::bigint as calls,
       sum(input_pico) / 1e12 as input_usd,
       sum(cache_read_pico) / 1e12 as cache_read_usd,
       sum(cache_write_pico) / 1e12 as cache_write_usd,
       sum(output_pico) / 1e12 as output_usd,
       sum(other_pico) / 1e12 as other_usd
from /* part calls_summed */ summed
group by bucket
order by bucket
