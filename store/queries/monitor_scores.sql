-- Scores of the targets of `monitor_targets` that the filters keep, by name, bucket of `$bucket_us` microseconds and ruler, oldest first: targets, n (with a
-- value), mean (of these), failed, newest (when the last of them was given). Empty buckets have no row.
with scored as materialized (
    select * from /* part monitor_targets */ targets
)
select name, make_timestamp(epoch_us(began) // $bucket_us * $bucket_us) as bucket, ruler, of_person, count(*) as targets, count(amount) as n,
       avg(amount) as mean, count(*) filter (where failed) as failed, max(given) as newest
from /* part monitor_sliced */ kept
group by name, epoch_us(began) // $bucket_us, ruler, of_person
order by name, bucket, ruler
