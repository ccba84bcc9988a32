-- What adds up to the calls that the filters keep: rows of `call_sums` for quarters of an hour in [summed_since, summed_until) that are not among
-- `$stale`, and calls one by one for all other time; columns as in `calls_counted`. `start_time` of sums is the quarter's. Each piece of time has
-- a scan of its own, since one with an `or` reads all. Sums know no session, user or tag: who asks for one gives no time to sum.
select * from /* part calls_counted until=summed_since */ before
union all
select * from /* part calls_counted since=summed_until */ after
union all
select * from /* part calls_counted since=stale_since until=stale_until */ amid
where make_timestamp(epoch_us(start_time) // 900000000 * 900000000) in (select unnest($stale::timestamp[]))
union all
select quarter, case $dimension::varchar
           when 'model' then model when 'provider' then provider when 'service' then service when 'environment' then environment
           when 'release' then release when 'prompt' then prompt when 'variant' then variant when 'tool' then tool_name end,
       * exclude (project_id, quarter)
from call_sums
where project_id = $project_id and quarter >= $summed_since and quarter < $summed_until and quarter not in (select unnest($stale::timestamp[]))
  and ($kind::varchar is null or kind = $kind)
  and ($service::varchar is null or service = $service)
  and ($environment::varchar is null or environment = $environment)
  and ($model::varchar is null or model = $model)
  and ($provider::varchar is null or provider = $provider)
  and ($release::varchar is null or release = $release)
  and ($variant::varchar is null or variant = $variant)
  and ($prompt::varchar is null or prompt = $prompt)
  and ($tool::varchar is null or tool_name = $tool)
