-- The calls that the filters keep, added up by trace and `value` (see `calls_told`). A trace lies in the window with all calls, and is one row of
-- `trace_calls` mostly, which needs no grouping; or an edge of the window cuts it, and it is read call by call: those cut by the beginning have
-- calls before `$head_until`, those cut by the end from `$tail_since` on. A part of other queries.
with matching as not materialized (
    select * from trace_calls
    where project_id = $project_id and first_start >= $since and first_start < $until and last_start < $until
      and ($kind::varchar is null or kind = $kind)
      and ($service::varchar is null or service = $service)
      and ($environment::varchar is null or environment = $environment)
      and ($model::varchar is null or model = $model)
      and ($provider::varchar is null or provider = $provider)
      and ($release::varchar is null or release = $release)
      and ($session_id::varchar is null or session_id = $session_id)
      and ($user_id::varchar is null or user_id = $user_id)
      and ($variant::varchar is null or variant = $variant)
      and ($prompt::varchar is null or prompt = $prompt)
      and ($tag::varchar is null or list_contains(tags, $tag))
      and ($tool::varchar is null or tool_name = $tool)
), told as not materialized (
    select *, case $dimension::varchar
               when 'model' then model when 'provider' then provider when 'service' then service when 'environment' then environment
               when 'release' then release when 'session' then session_id when 'user' then user_id when 'prompt' then prompt
               when 'variant' then variant when 'tool' then tool_name end as value
    from matching
    where $dimension::varchar is distinct from 'tag'
    union all
    select *, unnest(case when len(tags) = 0 then [null] else tags end) as value
    from matching
    where $dimension::varchar is not distinct from 'tag'
), cut as materialized (
    select distinct trace_id from trace_calls
    where project_id = $project_id and first_start < $until and last_start >= $since and (first_start < $since or last_start >= $until)
), pieces as (
    select * from /* part calls_kept until=head_until */ head where trace_id in (select trace_id from cut)
    union all
    select * from /* part calls_kept since=tail_since */ tail where trace_id in (select trace_id from cut)
)
select value, trace_id, session_id, priced, unpriced, cost_usd, compared, compared_reported_usd, compared_computed_usd from told where alone
union all
select value, trace_id, any_value(session_id), sum(priced)::bigint, sum(unpriced)::bigint, sum(cost_usd), sum(compared)::bigint,
       sum(compared_reported_usd), sum(compared_computed_usd)
from (
    select value, trace_id, session_id, priced, unpriced, cost_usd, compared, compared_reported_usd, compared_computed_usd from told where not alone
    union all
    select value, trace_id, session_id, (cost_usd is not null)::bigint,
           (cost_usd is null and not (failed and input_tokens is null and output_tokens is null))::bigint, cost_usd,
           (reported_cost_usd is not null and cost_usd is not null)::bigint, case when cost_usd is not null then reported_cost_usd end,
           case when reported_cost_usd is not null then cost_usd end
    from pieces
) several
group by value, trace_id
