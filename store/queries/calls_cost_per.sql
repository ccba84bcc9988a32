-- One row: cost per trace, or per session, over those with a priced call that the filters keep. `error`: standard error of the mean.
with traces as not materialized (
    select session_id, cost_usd from /* part calls_by_trace */ units where cost_usd is not null
), units as (
    select cost_usd from traces where $unit = 'trace'
    union all
    select sum(cost_usd) from traces where $unit = 'session' and session_id is not null group by session_id
)
select count(*) as n, avg(cost_usd) as mean, sqrt(var_samp(cost_usd) / count(*)) as error from units
