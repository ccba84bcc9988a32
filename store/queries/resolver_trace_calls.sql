-- One row per trace of `attributed` (rows of `calls`) and what tells its calls apart, with the columns of `trace_calls` but `project_id`.
select trace_id, min(min(start_time)) over whole as first_start, max(max(start_time)) over whole as last_start, count(*) over whole = 1 as alone, kind,
       service, environment, release, provider, coalesce(response_model, request_model) as model,
       prompt_name || coalesce('@' || prompt_version, '') as prompt, variant, tool_name, session_id, user_id, tags, count(cost_usd) as priced,
       count(*) filter (where cost_usd is null and not (failed and input_tokens is null and output_tokens is null)) as unpriced,
       sum(cost_usd) as cost_usd, count(*) filter (where reported_cost_usd is not null and cost_usd is not null) as compared,
       sum(reported_cost_usd) filter (where cost_usd is not null) as compared_reported_usd,
       sum(cost_usd) filter (where reported_cost_usd is not null) as compared_computed_usd
from attributed where usage_role = 'leaf'
group by trace_id, kind, service, environment, release, provider, coalesce(response_model, request_model),
         prompt_name || coalesce('@' || prompt_version, ''), variant, tool_name, session_id, user_id, tags
window whole as (partition by trace_id)
