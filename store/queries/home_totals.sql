-- One row: sums over the traces that started in [since, until). The error rate carries Wilson's 95 % interval (z = 1.96).
-- Tokens and costs are null when no call told any; counts over no traces are 0; rates over no traces are null.
-- At rates of 0 and 1 the interval ends there exactly; computed, rounding leaves it a little beside, and the rate out of it.
with sums as (
    select count(*) as traces,
           count(*) filter (where status = 'error') as failed_traces,
           coalesce(sum(model_calls_ok), 0)::bigint as model_calls_ok,
           coalesce(sum(model_calls_failed), 0)::bigint as model_calls_failed,
           try_cast(sum(input_tokens) as bigint) as input_tokens,
           try_cast(sum(output_tokens) as bigint) as output_tokens,
           coalesce(sum(unknown_usage_calls), 0)::bigint as unknown_usage_calls,
           coalesce(sum(half_told_calls), 0)::bigint as half_told_calls,
           sum(try_cast(cost_usd as decimal(38, 15)))::double as cost_usd,
           coalesce(sum(unpriced_calls), 0)::bigint as unpriced_calls,
           max(start_time) as newest
    from trace_summaries
    where project_id = $project_id and start_time >= $since and start_time < $until
), rates as (
    select *, traces::double as n, failed_traces::double / nullif(traces, 0) as error_rate from sums
), spread as (
    select *, 1.96 * sqrt(error_rate * (1 - error_rate) / n + 3.8416 / (4 * n * n)) as reach from rates
)
select traces, failed_traces, error_rate,
       case when failed_traces = 0 then error_rate
            else greatest(0.0, (error_rate + 3.8416 / (2 * n) - reach) / (1 + 3.8416 / n)) end as error_rate_low,
       case when failed_traces = traces then error_rate
            else least(1.0, (error_rate + 3.8416 / (2 * n) + reach) / (1 + 3.8416 / n)) end as error_rate_high,
       model_calls_ok, model_calls_failed, input_tokens, output_tokens, unknown_usage_calls, half_told_calls, cost_usd, unpriced_calls, newest
from spread
