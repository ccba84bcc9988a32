-- One row per value of the dimension, most calls first (null: unknown): the first `$top` of `total`. Failed calls are in calls and failed.
select value, count(*) as calls, count(*) filter (where failed) as failed, count(*) over () as total
from /* part calls_kept */ kept
group by value
order by calls desc, value nulls last
limit $top
