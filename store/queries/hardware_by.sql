-- One row per model (null: unknown) and price entry among `$versions`: sums over its calls, most calls first, and the standard errors of the costs
-- of a call and of an output token: ratios of two sums per trace, by the delta method as in `calls_cost_by`. Asked with the dimension `entry`.
with spread as (
    select value, count(*) as traces, count(output_tokens) as told_traces, sum(calls)::bigint as calls, sum(failed)::bigint as failed,
           sum(told)::bigint as told_calls, try_cast(sum(output_tokens) as bigint) as output_tokens, sum(cost_usd) as cost_usd, sum(told_usd) as told_usd,
           var_samp(units.cost_usd) as v_cost, var_samp(units.calls) as v_calls, covar_samp(units.cost_usd, units.calls) as v_both,
           var_samp(units.told_usd) as v_told, var_samp(units.output_tokens) as v_tokens, covar_samp(units.told_usd, units.output_tokens) as v_pair
    from /* part calls_by_trace */ units where value is not null group by value
), named as (
    select *, split_part(value, '@', 1) as price_version, case when contains(value, '@') then substr(value, strpos(value, '@') + 1) end as model
    from spread
)
select model, price_version, calls, failed, traces, told_calls, told_traces, output_tokens, cost_usd,
       cost_usd / calls as per_call,
       case when traces > 1  -- rounding may leave a variance of nothing below 0
            then sqrt(greatest(v_cost - 2 * per_call * v_both + per_call * per_call * v_calls, 0) * traces) / calls
       end as per_call_error,
       told_usd / nullif(output_tokens, 0) as per_token,
       case when told_traces > 1 and output_tokens > 0
            then sqrt(greatest(v_told - 2 * per_token * v_pair + per_token * per_token * v_tokens, 0) * told_traces) / output_tokens
       end as per_token_error
from named
where list_contains($versions::varchar[], price_version)
order by calls desc, model, price_version
