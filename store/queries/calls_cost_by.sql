-- One row per value of the dimension (null: unknown), dearest first, then most calls; the first `$page_size` of `total`. Intervals come from
-- sums per trace and value: the mean cost of a call is a ratio of two such sums, its standard error by the delta method (Cochran, Sampling
-- Techniques, 2.11); that of a trace is a mean. Both are null where one trace alone was priced.
with sums as (
    select value, sum(calls)::bigint as calls, sum(failed)::bigint as failed, sum(unpriced)::bigint as unpriced,
           try_cast(sum(input_tokens) as bigint) as input_tokens, try_cast(sum(output_tokens) as bigint) as output_tokens,
           try_cast(sum(cache_read_tokens) as bigint) as cache_read_tokens, try_cast(sum(cache_told_input_tokens) as bigint) as cache_told_input_tokens,
           sum(cost_pico) / 1e12 as cost_usd, sum(priced)::bigint as priced_calls
    from /* part calls_summed */ summed
    group by value
), page as materialized (
    select *, count(*) over () as total, row_number() over (order by cost_usd desc nulls last, calls desc, value) as place from sums
    order by place limit $page_size
), spread as (
    select value, count(*) as traces, count(cost_usd) as priced_traces, var_samp(cost_usd) as v_cost,
           var_samp(priced) filter (where cost_usd is not null) as v_calls, covar_samp(cost_usd, priced) as v_both
    from /* part calls_by_trace */ units group by value
)
select p.value, calls, failed, traces, input_tokens, output_tokens, cache_read_tokens, cache_told_input_tokens, cost_usd, unpriced,
       priced_calls, priced_traces, cost_usd / nullif(priced_calls, 0) as per_call,
       case when priced_traces > 1  -- rounding may leave a variance of nothing below 0
            then sqrt(greatest(v_cost - 2 * per_call * v_both + per_call * per_call * v_calls, 0) * priced_traces) / priced_calls
       end as per_call_error,
       cost_usd / nullif(priced_traces, 0) as per_trace, sqrt(v_cost / priced_traces) as per_trace_error, total
from page p join spread s on s.value is not distinct from p.value
order by p.place
