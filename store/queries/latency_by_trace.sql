-- `latency_by` from sums by trace, for dimensions and filters that `call_sums` does not know: the same columns and order.
select value, sum(calls)::bigint as calls, sum(failed)::bigint as failed, count(*) over () as total
from /* part calls_by_trace */ units
group by value
order by calls desc, value nulls last
limit $top
