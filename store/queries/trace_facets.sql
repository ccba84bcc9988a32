-- One row per (field, value) among the traces that started in [since, until), meet every filter and are of the list `$traces` (null: any), the frequent first:
-- at most `$values` of each field, which has `total`. `$field` (null: all) and `$part`, a text in the value whatever the case, narrow them down.
with chosen as (
    select trace_id, service, environment, release, status, session_id, user_id, models, variants, prompts, tags, error_type, root_name
    from trace_summaries
    where project_id = $project_id and start_time >= $since and start_time < $until
      and ($traces::uuid[] is null or trace_id in (select unnest($traces::uuid[]))) and /* part trace_conditions */
), providers as (
    select distinct trace_id, provider from trace_calls
    where project_id = $project_id and last_start >= $since and ($field::varchar is null or $field = 'provider')
      and trace_id in (select trace_id from chosen)
), named as (
    select 'status' as field, status as value from chosen where $field::varchar is null or $field = 'status'
    union all select 'service', service from chosen where $field::varchar is null or $field = 'service'
    union all select 'environment', environment from chosen where $field::varchar is null or $field = 'environment'
    union all select 'release', release from chosen where $field::varchar is null or $field = 'release'
    union all select 'name', root_name from chosen where $field::varchar is null or $field = 'name'
    union all select 'model', unnest(models) from chosen where $field::varchar is null or $field = 'model'
    union all select 'provider', provider from providers
    union all select 'prompt', unnest(prompts) from chosen where $field::varchar is null or $field = 'prompt'
    union all select 'variant', unnest(variants) from chosen where $field::varchar is null or $field = 'variant'
    union all select 'tag', unnest(tags) from chosen where $field::varchar is null or $field = 'tag'
    union all select 'error', error_type from chosen where $field::varchar is null or $field = 'error'
    union all select 'user', user_id from chosen where $field::varchar is null or $field = 'user'
    union all select 'session', session_id from chosen where $field::varchar is null or $field = 'session'
), counted as (
    select field, value, count(*) as traces, row_number() over (partition by field order by count(*) desc, value) as place,
           count(*) over (partition by field) as total
    from named where value is not null and value <> '' and ($part::varchar is null or contains(lower(value), lower($part)))
    group by field, value
)
select field, left(value, 500) as value, traces, total, (select count(*) from chosen) as looked
from counted where place <= $values order by field, traces desc, value
