-- One row per call of the traces: what its price depends on, and the price that it has. Calls are sought in [since, until], both inclusive.
select trace_id::varchar as trace_id, usage_role, start_time, duration_ns, provider, request_model, response_model, service_tier,
       input_tokens, output_tokens, cache_read_tokens, cache_write_tokens, reasoning_tokens, usage_details,
       cost_usd, price_status, price_source, price_version, price_model
from calls
where project_id = $project_id and trace_id in (select unnest($traces::uuid[])) and start_time between $since and $until
