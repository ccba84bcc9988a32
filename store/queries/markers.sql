-- What happened in [since, until), a row each: releases of a service, versions of a prompt and models that answered for a requested one, by their first
-- call; evaluators of a score, by the first one they gave; versions of the normaliser; moves of labels of prompts; alerts. `before`: what was first seen
-- last before it (null: nothing; told only when it came a day after the first call, since with the first calls all is new). `opened` is before all calls.
with pairs as (
    select request_model, response_model, min(start_time) as happened_at from /* part calls_kept since=opened */ kept group by all
), seen as (
    select 'release' as what, service as name, release as version, min(start_time) as happened_at
    from /* part calls_kept since=opened */ kept where release is not null group by all
    union all
    select 'prompt', prompt_name, prompt_version, min(start_time)
    from /* part calls_kept since=opened */ kept where prompt_name is not null and prompt_version is not null group by all
    union all
    select 'model', coalesce(request_model, response_model), response_model, min(happened_at) from pairs where response_model is not null group by all
    union all
    select 'evaluator', name, concat_ws(' ', evaluator, evaluator_version), min(time)
    from scores where project_id = $project_id and evaluator is not null and error_type is null group by all
), ranked as (
    select *, lag(version) over (partition by what, name order by happened_at, version) as before from seen
), began as (
    select min(happened_at) as first_call from pairs
), oldest as (
    select min(normaliser_version) as version from spans where project_id = $project_id
), renormalised as (
    -- Mostly all spans have one version, which costs nothing to see.
    select normaliser_version as version, min(start_time) as happened_at from spans
    where project_id = $project_id and normaliser_version > (select version from oldest) group by all
), told as (
    select r.happened_at, r.what, r.name, r.before, r.version as after, null::varchar as detail
    from ranked r cross join began b
    where r.happened_at >= $since and r.happened_at < $until
      and (r.before is not null or epoch_us(r.happened_at) >= epoch_us(b.first_call) + 86400000000)
    union all
    select n.happened_at, 'normaliser', null,
           coalesce(lag(n.version) over (order by n.version), o.version)::varchar, n.version::varchar, null
    from renormalised n cross join oldest o
    union all
    select moved_at, 'label', name, from_version::varchar, version::varchar, label
    from prompt_labels
    where project_id = $project_id and moved_at >= $since and moved_at < $until and version is distinct from from_version
    union all
    select opened_at, 'alert', monitor, null, severity, verdict
    from alerts where project_id = $project_id and opened_at >= $since and opened_at < $until
)
select happened_at, what, name, before, after, detail from told where happened_at >= $since and happened_at < $until
order by happened_at, what, name, after
limit $max_rows
