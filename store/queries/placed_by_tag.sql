-- As `placed`, for few tags, of which most calls have none: those need not be unnested, which takes as long as all else. A part of other queries.
with untagged as not materialized (
    select * exclude (value) from /* part latency_told */ told
), tagged as not materialized (
    select *, unnest(tags) as value from untagged where len(tags) > 0
)
select *, null::varchar as value, len($values::varchar[])::integer + 2 as place from untagged where len(tags) = 0
union all
select *, coalesce(list_position($values::varchar[], value), len($values::varchar[])::integer + if(value is null, 2, 1)) from tagged
