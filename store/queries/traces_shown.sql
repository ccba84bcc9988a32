-- One row per trace, in no order: what a list shows of it. A part of other queries.
select trace_id as id, trace_id::varchar as trace_id, start_time, duration_ns, root_name, root_missing, service, environment,
       status, spans, model_calls_ok, model_calls_failed, tool_executions, input_tokens, output_tokens,
       unknown_usage_calls, usage_estimated, cost_usd, unpriced_calls, reported_cost_usd, errors, error_type, error_message,
       session_id, user_id, models, tags, variants, coalesce(half_told_calls, 0) as half_told_calls, coalesce(sample, false) as sample, root_span_id
from trace_summaries
where project_id = $project_id
