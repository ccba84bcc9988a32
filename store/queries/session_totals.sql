-- One row per session of the relation `page`, over all its traces. user_id: of its newest trace that names one. last_us: end of what ended last.
-- Sums as in `trace_summaries`: null where no trace told it. A part of other queries.
select session_id, arg_max(user_id, start_time) as user_id, count(distinct user_id) as users, min(start_time) as first_start,
       max(start_time) as last_start, max(epoch_us(start_time) + duration_ns // 1000) as last_us,
       sum(duration_ns)::bigint as busy_ns, count(*) as traces, count(*) filter (where status = 'error') as failed,
       count(*) filter (where status = 'recovered') as recovered, sum(errors)::bigint as errors,
       sum(model_calls_ok)::bigint as model_calls_ok, sum(model_calls_failed)::bigint as model_calls_failed,
       sum(tool_executions)::bigint as tool_executions, sum(input_tokens)::bigint as input_tokens,
       sum(output_tokens)::bigint as output_tokens, sum(unknown_usage_calls)::bigint as unknown_usage_calls,
       coalesce(sum(half_told_calls), 0)::bigint as half_told_calls, sum(cost_usd) as cost_usd,
       coalesce(sum(unpriced_calls), 0)::bigint as unpriced_calls, sum(reported_cost_usd) as reported_cost_usd,
       coalesce(bool_or(sample), false) as sample
from trace_summaries
where project_id = $project_id and session_id in (select session_id from page)
group by session_id
