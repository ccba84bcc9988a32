-- Calls of every usage role, started in [since, until), that match every filter (null: any), with `value`: what the dimension says of the
-- call (null: unknown, or no dimension). Of the dimension `tag` a call has one row for each of its tags. A part of other queries.
-- `$dimension` and the filters are constants when the query is planned, so that only what is asked for is read.
with matching as not materialized (
    select *, coalesce(response_model, request_model) as model, prompt_name || coalesce('@' || prompt_version, '') as prompt
    from calls
    where project_id = $project_id and start_time >= $since and start_time < $until
      and ($kind::varchar is null or kind = $kind)
      and ($service::varchar is null or service = $service)
      and ($environment::varchar is null or environment = $environment)
      and ($model::varchar is null or coalesce(response_model, request_model) = $model)
      and ($provider::varchar is null or provider = $provider)
      and ($release::varchar is null or release = $release)
      and ($session_id::varchar is null or session_id = $session_id)
      and ($user_id::varchar is null or user_id = $user_id)
      and ($variant::varchar is null or variant = $variant)
      and ($prompt::varchar is null or prompt_name || coalesce('@' || prompt_version, '') = $prompt)
      and ($tag::varchar is null or list_contains(tags, $tag))
      and ($tool::varchar is null or tool_name = $tool)
)
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
