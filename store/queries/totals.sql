-- One row per trace that started in [since, until) (null: open) and is among `trace_ids` (null: any), in order of start: what a team
-- reconciles with its provider's bill. Tokens and cost are null when no call told any.
select replace(trace_id::varchar, '-', '') as trace_id, spans, model_calls_ok, model_calls_failed, embedding_calls,
       tool_executions, tool_executions_failed, input_tokens, output_tokens, cache_read_tokens, cache_write_tokens,
       reasoning_tokens, unknown_usage_calls, cost_usd, unpriced_calls, session_id, user_id
from trace_summaries
where project_id = $project_id
  and ($since::timestamp is null or start_time >= $since::timestamp)
  and ($until::timestamp is null or start_time < $until::timestamp)
  and ($trace_ids::uuid[] is null or trace_id in (select unnest($trace_ids::uuid[])))
order by start_time, trace_id
limit $max_rows
