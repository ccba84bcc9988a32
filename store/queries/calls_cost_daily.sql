-- One row per day (UTC), provider and model with calls that count.
select start_time::date as day, provider, model, sum(calls)::bigint as calls,
       sum(unpriced)::bigint as unpriced_calls,
       sum(cost_pico) / 1e12 as cost_usd
from /* part calls_summed */ summed
group by day, provider, model
order by day, provider, model
