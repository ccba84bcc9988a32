-- `calls_cost_by` from sums by trace alone, for dimensions and filters that `call_sums` does not know: the same columns and order.
with spread as (
    select value, sum(calls)::bigint as calls, sum(failed)::bigint as failed, sum(unpriced)::bigint as unpriced,
           try_cast(sum(input_tokens) as bigint) as input_tokens, try_cast(sum(output_tokens) as bigint) as output_tokens,
           try_cast(sum(cache_read_tokens) as bigint) as cache_read_tokens, try_cast(sum(cache_told_input_tokens) as bigint) as cache_told_input_tokens,
           sum(cost_pico) / 1e12 as cost_usd, sum(priced)::bigint as priced_calls,
           count(*) as traces, count(cost_usd) as priced_traces, var_samp(units.cost_usd) as v_cost,
           var_samp(priced) filter (where units.cost_usd is not null) as v_calls, covar_samp(units.cost_usd, priced) as v_both
    from /* part calls_by_trace */ units group by value
), page as (
    select *, count(*) over () as total, row_number() over (order by cost_usd desc nulls last, calls desc, value) as place from spread
    order by place limit $page_size
)
select value, calls, failed, traces, input_tokens, output_tokens, cache_read_tokens, cache_told_input_tokens, cost_usd, unpriced,
       priced_calls, priced_traces, cost_usd / nullif(priced_calls, 0) as per_call,
       case when priced_traces > 1  -- rounding may leave a variance of nothing below 0
            then sqrt(greatest(v_cost - 2 * per_call * v_both + per_call * per_call * v_calls, 0) * priced_traces) / priced_calls
       end as per_call_error,
       cost_usd / nullif(priced_traces, 0) as per_trace, sqrt(v_cost / priced_traces) as per_trace_error, total
from page
order by place
