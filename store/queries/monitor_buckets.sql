-- Buckets of streams that monitors look at, as they were worked out last, those of one stream after one another, each in order of time.
select series, bucket, value, weight, ruler
from monitor_buckets
where project_id = $project_id and series in (select unnest($series::varchar[])) and bucket >= $since and bucket < $until
order by series, bucket
