-- One row per (field, value) among traces that started in [since, until), most frequent first: what a filter can offer.
-- Fields: service environment model variant prompt tag. At most 200 values a field.
with chosen as (
    select service, environment, models, variants, prompts, tags from trace_summaries
    where project_id = $project_id and start_time >= $since and start_time < $until
), named as (
    select 'service' as field, service as value from chosen
    union all select 'environment', environment from chosen
    union all select 'model', unnest(models) from chosen
    union all select 'variant', unnest(variants) from chosen
    union all select 'prompt', unnest(prompts) from chosen
    union all select 'tag', unnest(tags) from chosen
), counted as (
    select field, value, count(*) as traces, row_number() over (partition by field order by count(*) desc, value) as place,
           count(*) over (partition by field) as total
    from named where value is not null and value <> ''
    group by field, value
)
select field, value, traces, total from counted where place <= 200 order by field, traces desc, value
