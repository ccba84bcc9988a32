-- One row per loaded span that tells a model or embedding call, or sums up calls: what `calls` holds of the span alone, with what duplicates
-- and logs told filled in, in no order. Reads the relations `loaded`, `derived` and `tools` (of `resolver_tools`).
-- `retry`: see the migration. The upper half of the hash is of the question, 0: not known.
with told as materialized (
    select s.trace_id, s.span_id, s.start_time, s.duration_ns, coalesce(d.ttft_ns, s.ttft_ns) as ttft_ns, s.kind,
           coalesce(d.usage_role, s.usage_role) as usage_role, s.failed or d.error_type is not null as failed,
           coalesce(d.error_type, s.error_type) as error_type,
           coalesce(d.provider, s.provider) as provider, coalesce(d.request_model, s.request_model) as request_model,
           coalesce(d.response_model, s.response_model) as response_model, coalesce(d.service_tier, s.service_tier) as service_tier,
           coalesce(d.input_tokens, s.input_tokens) as input_tokens, coalesce(d.output_tokens, s.output_tokens) as output_tokens,
           coalesce(d.cache_read_tokens, s.cache_read_tokens) as cache_read_tokens,
           coalesce(d.cache_write_tokens, s.cache_write_tokens) as cache_write_tokens,
           coalesce(d.reasoning_tokens, s.reasoning_tokens) as reasoning_tokens,
           coalesce(d.usage_details, s.usage_details) as usage_details,
           s.service, s.environment, s.release, s.variant, s.prompt_name, s.prompt_version, t.tool as tool_name,
           coalesce(d.reported_cost_usd, s.reported_cost_usd) as reported_cost_usd, s.content_hash >> 32 as question
    from loaded s
    left join derived d on d.trace_id = s.trace_id and d.span_id = s.span_id
    left join tools t on t.trace_id = s.trace_id and t.span_id = s.span_id
    where s.usage_role is not null  -- tools and retrievals that were told twice get a derived role too, and are no calls
), failing as (
    select distinct trace_id from told where usage_role = 'leaf' and failed and question > 0
), asked as (  -- when the call before ended that asked the same and failed
    select trace_id, span_id, start_time >= lag(case when failed then start_time + to_microseconds(coalesce(duration_ns, 0) // 1000) end)
               over (partition by trace_id, kind, question order by start_time, span_id) as again
    from told
    where usage_role = 'leaf' and question > 0 and trace_id in (select trace_id from failing)
)
select t.* exclude (question), case when t.usage_role = 'leaf' and t.question > 0 then coalesce(a.again, false) end as retry
from told t
left join asked a on a.trace_id = t.trace_id and a.span_id = t.span_id
