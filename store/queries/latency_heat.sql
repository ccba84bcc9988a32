-- One row per bucket and bin with calls that ended well: eight bins a power of ten, by the logarithm of the duration; bin 72 begins at a second.
-- Calls that took no time are in bin 0, with those of a nanosecond. Buckets as in `home_series`, made into times once they are few.
with counted as (
    select (epoch_us(start_time) + $offset_us) // $bucket_us as bucket, floor(log10(greatest(duration_ns, 1)) * 8)::integer as bin,
           count(*) as calls
    from /* part calls_kept */ kept
    where not failed and duration_ns is not null
    group by bucket, bin
)
select make_timestamp(bucket * $bucket_us - $offset_us) as bucket, bin, calls from counted order by bucket, bin
