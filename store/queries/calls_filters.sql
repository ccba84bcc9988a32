-- One row per (field, value) among the calls that count: what a filter can offer, at most `$most` values a field of `total`. Releases and prompts
-- come newest first, others by their calls. Read from sums by trace.
with told as not materialized (
    select service, environment, model, provider, release, variant, prompt, tool_name, tags, calls, newest from /* part traces_whole */ whole
    union all
    select service, environment, model, provider, release, variant, prompt, tool_name, tags, 1, start_time from /* part calls_cut */ cut
), together as materialized (
    select service, environment, model, provider, release, variant, prompt, tool_name, tags, sum(calls)::bigint as calls, max(newest) as newest
    from told group by all
), named as (
    unpivot (select * exclude (tags) rename (tool_name as tool) from together)
    on service, environment, model, provider, release, variant, prompt, tool into name field value value
    union all by name
    select 'tag' as field, unnest(tags) as value, calls, newest from together
), counted as (
    select field, value, sum(calls)::bigint as calls, max(newest) as newest from named where value <> '' group by field, value
), placed as (
    select *, count(*) over (partition by field) as total,
           row_number() over (partition by field order by if(field in ('release', 'prompt'), newest, null) desc, calls desc, value) as place
    from counted
)
select field, value, calls, newest, total from placed where place <= $most order by field, place
