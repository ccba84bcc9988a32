-- One row per value of the dimension, most calls first (null: unknown): the first `$top` of `total`. Failed calls are in calls and failed.
select value, sum(calls)::bigint as calls, sum(failed)::bigint as failed, count(*) over () as total
from /* part calls_summed */ summed
group by value
order by calls desc, value nulls last
limit $top
