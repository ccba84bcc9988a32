-- Model calls by cells of time of `$step_us`, whole since 1970: the `$cells` non-empty cells of the lowest hashes, so that the sample is random,
-- and the same as long as the calls are; the sums of all cells beside each. In order of the hash.
with cells as (
    select epoch_us(start_time) // $step_us as cell, count(*) as calls, try_cast(sum(input_tokens) as bigint) as input_tokens
    from /* part calls_kept */ kept group by cell
)
select cell * $step_us as start_us, calls, coalesce(input_tokens, 0) as input_tokens, count(*) over () as cells, sum(calls) over ()::bigint as all_calls,
       (sum(input_tokens) over ())::bigint as all_input_tokens
from cells order by hash(cell), cell limit $cells
