-- Calls of the relation `chosen`, which has the columns of `calls`, that match every filter, with `value` as in `told_apart`. A part of other queries.
-- `$dimension` and the filters are constants when the query is planned, so that only what is asked for is read.
with named as not materialized (
    select *, coalesce(response_model, request_model) as model, prompt_name || coalesce('@' || prompt_version, '') as prompt,
           case when price_source = 'own' and cost_usd is not null then price_version end as own_version
    from chosen
), matching as not materialized (
    select * from named where /* part call_filters */
)
select * from /* part told_apart */ apart
