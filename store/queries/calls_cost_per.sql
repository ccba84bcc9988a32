-- One row: cost per trace, or per session, over those with a priced call that the filters keep. `error`: standard error of the mean.
with units as (
    select sum(cost_usd) as cost_usd
    from /* part calls_kept */ kept
    where cost_usd is not null and case $unit when 'session' then session_id is not null else true end
    group by case $unit when 'session' then session_id end, case $unit when 'session' then null else trace_id end
)
select count(*) as n, avg(cost_usd) as mean, sqrt(var_samp(cost_usd) / count(*)) as error from units
