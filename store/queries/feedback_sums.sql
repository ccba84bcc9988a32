-- One row per name of end users' feedback told in [since, until), with `$step_us` per name and bucket: what `feedback` lists, summed. Buckets are whole
-- multiples of `$step_us` since 1970 in a zone `$offset_us` ahead of UTC.
select name, case when $step_us::bigint is null then null else
           make_timestamp((epoch_us(time) + $offset_us::bigint) // $step_us::bigint * $step_us::bigint - $offset_us::bigint) end as bucket,
       max(kind) as kind, count(*) as n, count(value) as calls, count(*) filter (where value >= 0.5) as good, avg(value) as mean,
       stddev_samp(value) / sqrt(count(value)) as mean_error, min(value) as low, max(value) as high,
       count(*) filter (where explanation is not null) as texts, count(distinct author) as users
from /* part feedback_told */ told
group by name, bucket order by name, bucket
