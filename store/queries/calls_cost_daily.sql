-- One row per day (UTC), provider and model with calls that count. Sums of money are of whole 1e-12 dollars, since the order of rows varies.
select start_time::date as day, provider, model, count(*) as calls,
       count(*) filter (where cost_usd is null and not (failed and input_tokens is null and output_tokens is null)) as unpriced_calls,
       sum(try_cast(cost_usd * 1e12 as hugeint)) / 1e12 as cost_usd
from /* part calls_kept */ kept
group by day, provider, model
order by day, provider, model
