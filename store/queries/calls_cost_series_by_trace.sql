-- `calls_cost_series` from sums by trace, for dimensions and filters that `call_sums` does not know: the same columns and order. A trace lies in one
-- bucket with all calls mostly; those that an edge of a bucket or of the window cuts are read call by call, and their calls lie within `$reach_us` of
-- that edge.
with matching as not materialized (
    select * from /* part traces_whole */ whole
    where (epoch_us(first_start) + $offset_us) // $bucket_us = (epoch_us(last_start) + $offset_us) // $bucket_us
), told as not materialized (
    select * from /* part told_apart */ apart
), cut as materialized (
    select distinct trace_id from /* part traces_cut */ cut
), pieces as not materialized (
    select * from /* part calls_kept */ kept
    where (epoch_us(start_time) < epoch_us($since::timestamp) + $reach_us or epoch_us(start_time) >= epoch_us($until::timestamp) - $reach_us
           or (epoch_us(start_time) + $offset_us) % $bucket_us <= $reach_us or (epoch_us(start_time) + $offset_us) % $bucket_us >= $bucket_us - $reach_us)
      and trace_id in (select trace_id from cut)
), counted as materialized (
    select bucket_start, value, sum(cost_pico) as pico_usd, sum(calls) as calls, sum(unpriced) as unpriced
    from (
        select (epoch_us(first_start) + $offset_us) // $bucket_us * $bucket_us - $offset_us as bucket_start, value, cost_pico, calls, unpriced from told
        union all
        select (epoch_us(start_time) + $offset_us) // $bucket_us * $bucket_us - $offset_us, value, try_cast(cost_usd * 1e12 as hugeint), 1,
               (cost_usd is null and not (failed and input_tokens is null and output_tokens is null))::bigint
        from pieces
    ) both_ways
    group by bucket_start, value
)
select * from /* part calls_cost_placed */ placed order by bucket, place nulls last
