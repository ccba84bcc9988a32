-- One row per span of the traces: the narrow columns that rules and summaries need. Rows are found by rowid first: at ten million spans
-- that takes 15 ms, reading all columns under the join 106 ms.
with wanted as (
    select rowid as id from spans where project_id = $project_id and trace_id in (select unnest($traces::uuid[]))
), samples as (
    select origin_id from origins where project_id = $project_id and resource['assayline.sample'] = 'true'
)
select commit_seq, trace_id::varchar as trace_id, span_id, parent_span_id, name, kind, span_kind, scope_name, service, environment, release,
       start_time, duration_ns, status = 'error' or error_type is not null as failed, usage_role,
       provider, request_model, response_model, response_id,
       input_tokens, output_tokens, cache_read_tokens, cache_write_tokens, reasoning_tokens, usage_details, service_tier,
       reported_cost_usd, ttft_ns,
       finish_reason, session_id, list_contains(notes, 'session_weak') as session_weak, user_id, tags, variant,
       prompt_name, prompt_version, tool_name, tool_call_id,
       error_type, coalesce(error_message, status_message) as error_message, http_status, content_rank, content_hash,
       origin_id in (select origin_id from samples) as sample,
       input is not null as has_input, output is not null as has_output,
       system_instructions is not null as has_system_instructions, documents is not null as has_documents
from spans
where rowid in (select id from wanted)
