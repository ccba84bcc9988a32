-- One row per model call of the window with what was sent and answered, oldest first; of the last of them no more than `$most` are told.
-- Texts are null where the span told none: see `whatif_told_texts`.
with picked as materialized (
    select trace_id, span_id, start_time, duration_ns, ttft_ns, failed, provider, model, request_model, response_model, service_tier, input_tokens,
           output_tokens, cache_read_tokens, cache_write_tokens, reasoning_tokens, usage_details, cost_usd, input_usd, cache_read_usd,
           cache_write_usd, session_id
    from /* part calls_kept */ kept order by start_time, trace_id, span_id limit $most
)
select p.trace_id::varchar as trace_id, p.span_id, p.* exclude (trace_id, span_id), s.input, s.input_key, s.output, s.output_key,
       s.system_instructions, s.tool_definitions_id
from picked p left join spans s on s.project_id = $project_id and s.trace_id = p.trace_id and s.span_id = p.span_id
     and s.start_time >= $since and s.start_time < $until
order by p.start_time, p.trace_id, p.span_id
