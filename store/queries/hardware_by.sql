-- One row per model (null: unknown) and price entry among `$versions`: sums over its calls, most calls first, and the standard errors of the costs
-- of a call and of an output token: ratios of two sums per trace, by the delta method as in `calls_cost_by`. Sums per trace as in `calls_by_trace`,
-- told apart by two columns, since to put them together takes as long as to add up.
with whole as not materialized (
    select * from /* part traces_whole */ whole where list_contains($versions::varchar[], own_version)
), units as (
    select own_version, model, calls, failed, told, output_tokens, cost_usd, told_usd from whole where alone
    union all
    select own_version, model, sum(calls)::bigint, sum(failed)::bigint, sum(told)::bigint, sum(output_tokens), sum(cost_usd), sum(told_usd)
    from (
        select trace_id, own_version, model, calls, failed, told, output_tokens, cost_usd, told_usd from whole where not alone
        union all
        select trace_id, own_version, model, 1, failed::bigint, (output_tokens is not null)::bigint, output_tokens, cost_usd,
               case when output_tokens is not null then cost_usd end
        from /* part calls_cut */ cut where list_contains($versions::varchar[], own_version)
    ) several
    group by trace_id, own_version, model
), spread as (
    select model, own_version as price_version, count(*) as traces, count(output_tokens) as told_traces, sum(calls)::bigint as calls,
           sum(failed)::bigint as failed, sum(told)::bigint as told_calls, try_cast(sum(output_tokens) as bigint) as output_tokens,
           sum(cost_usd) as cost_usd, sum(told_usd) as told_usd,
           var_samp(units.cost_usd) as v_cost, var_samp(units.calls) as v_calls, covar_samp(units.cost_usd, units.calls) as v_both,
           var_samp(units.told_usd) as v_told, var_samp(units.output_tokens) as v_tokens, covar_samp(units.told_usd, units.output_tokens) as v_pair
    from units group by model, own_version
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
from spread
order by calls desc, model, price_version
