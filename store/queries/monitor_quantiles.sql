-- One row per call with such an amount, in no order: its bucket of `$bucket_us` microseconds, counted from `$first` on, and the amount.
select (epoch_us(start_time) // $bucket_us - $first)::usmallint as bucket, amount
from /* part latency_measured */ measured
where amount is not null
