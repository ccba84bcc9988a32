-- One row per trace of `attributed` (rows of `calls`) and what tells its calls apart, with the columns of `trace_calls` but `project_id`.
select trace_id, min(min(start_time)) over whole as first_start, max(max(start_time)) over whole as last_start, max(start_time) as newest,
       count(*) over whole = 1 as alone, kind, service, environment, release, provider, coalesce(response_model, request_model) as model,
       prompt_name || coalesce('@' || prompt_version, '') as prompt, variant, tool_name, session_id, user_id, tags,
       case when price_source = 'own' and cost_usd is not null then price_version end as own_version,
       count(*) as calls, count(*) filter (where failed) as failed, count(cost_usd) as priced,
       count(*) filter (where cost_usd is null and not (failed and input_tokens is null and output_tokens is null)) as unpriced,
       sum(cost_usd) as cost_usd, sum(try_cast(cost_usd * 1e12 as hugeint)) as cost_pico, sum(input_tokens) as input_tokens,
       sum(output_tokens) as output_tokens, sum(cache_read_tokens) as cache_read_tokens,
       sum(case when cache_read_tokens is not null then input_tokens end) as cache_told_input_tokens, count(output_tokens) as told,
       sum(cost_usd) filter (where output_tokens is not null) as told_usd,
       count(*) filter (where reported_cost_usd is not null and cost_usd is not null) as compared,
       sum(reported_cost_usd) filter (where cost_usd is not null) as compared_reported_usd,
       sum(cost_usd) filter (where reported_cost_usd is not null) as compared_computed_usd
from attributed where usage_role = 'leaf'
group by trace_id, kind, service, environment, release, provider, coalesce(response_model, request_model),
         prompt_name || coalesce('@' || prompt_version, ''), variant, tool_name, session_id, user_id, tags, own_version
window whole as (partition by trace_id)
