-- One row per value of the dimension (null: unknown), dearest first, then most calls; the first `$page_size` of `total`. Intervals come from
-- sums per trace and value: the mean cost of a call is a ratio of two such sums, its standard error by the delta method (Cochran, Sampling
-- Techniques, 2.11); that of a trace is a mean. Both are null where one trace alone was priced. Only the page's values are spread out.
with sums as (
    select value, count(*) as calls, count(*) filter (where failed) as failed,
           count(*) filter (where cost_usd is null and not (failed and input_tokens is null and output_tokens is null)) as unpriced,
           sum(input_tokens)::bigint as input_tokens, sum(output_tokens)::bigint as output_tokens,
           sum(cache_read_tokens)::bigint as cache_read_tokens,
           (sum(input_tokens) filter (where cache_read_tokens is not null))::bigint as cache_told_input_tokens,
           sum(try_cast(cost_usd * 1e12 as hugeint)) / 1e12 as cost_usd, count(cost_usd) as priced_calls
    from /* part calls_kept */ kept
    group by value
), page as materialized (
    select *, count(*) over () as total from sums order by cost_usd desc nulls last, calls desc, value limit $page_size
), per_trace as (
    select value, sum(cost_usd) as cost_usd, count(cost_usd) as priced
    from /* part calls_kept */ kept
    where value in (select value from page) or value is null
    group by value, trace_id
), spread as (
    select value, count(*) as traces, count(cost_usd) as priced_traces, var_samp(cost_usd) as v_cost,
           var_samp(priced) filter (where cost_usd is not null) as v_calls, covar_samp(cost_usd, priced) as v_both
    from per_trace group by value
)
select p.value, calls, failed, traces, input_tokens, output_tokens, cache_read_tokens, cache_told_input_tokens, cost_usd, unpriced,
       priced_calls, priced_traces, cost_usd / nullif(priced_calls, 0) as per_call,
       case when priced_traces > 1  -- rounding may leave a variance of nothing below 0
            then sqrt(greatest(v_cost - 2 * per_call * v_both + per_call * per_call * v_calls, 0) * priced_traces) / priced_calls
       end as per_call_error,
       cost_usd / nullif(priced_traces, 0) as per_trace, sqrt(v_cost / priced_traces) as per_trace_error, total
from page p join spread s on s.value is not distinct from p.value
order by cost_usd desc nulls last, calls desc, p.value
