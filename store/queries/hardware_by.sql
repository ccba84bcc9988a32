-- One row per model (null: unknown) and price entry among `$versions`: sums over its calls, most calls first, and the standard errors of the costs
-- of a call and of an output token: ratios of two sums per trace, by the delta method as in `calls_cost_by`.
with hourly as (
    select coalesce(response_model, request_model) as name, price_version, trace_id, failed, output_tokens, cost_usd
    from /* part calls_kept */ kept
    where price_source = 'own' and list_contains($versions::varchar[], price_version) and cost_usd is not null
), per_trace as (
    select name, price_version, count(*) as calls, count(*) filter (where failed) as failed, sum(cost_usd) as cost_usd,
           sum(output_tokens) as output_tokens, count(output_tokens) as told, sum(cost_usd) filter (where output_tokens is not null) as told_usd
    from hourly group by name, price_version, trace_id
), spread as (
    select name, price_version, count(*) as traces, count(output_tokens) as told_traces, sum(calls)::bigint as calls, sum(failed)::bigint as failed,
           sum(told)::bigint as told_calls, try_cast(sum(output_tokens) as bigint) as output_tokens, sum(cost_usd) as cost_usd, sum(told_usd) as told_usd,
           var_samp(cost_usd) as v_cost, var_samp(calls) as v_calls, covar_samp(cost_usd, calls) as v_both,
           var_samp(told_usd) as v_told, var_samp(output_tokens) as v_tokens, covar_samp(told_usd, output_tokens) as v_pair
    from per_trace group by name, price_version
)
select name as model, price_version, calls, failed, traces, told_calls, told_traces, output_tokens, cost_usd,
       cost_usd / calls as per_call,
       case when traces > 1  -- rounding may leave a variance of nothing below 0
            then sqrt(greatest(v_cost - 2 * per_call * v_both + per_call * per_call * v_calls, 0) * traces) / calls
       end as per_call_error,
       told_usd / nullif(output_tokens, 0) as per_token,
       case when told_traces > 1 and output_tokens > 0
            then sqrt(greatest(v_told - 2 * per_token * v_pair + per_token * per_token * v_tokens, 0) * told_traces) / output_tokens
       end as per_token_error
from spread
order by calls desc, model, price_version
