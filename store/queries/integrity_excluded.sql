-- One row per usage role and model of the rows that no sum counts: duplicates and aggregates. Dearest first, then most rows.
select usage_role, model, count(*) as calls, count(distinct trace_id) as traces,
       try_cast(sum(input_tokens) as bigint) as input_tokens, try_cast(sum(output_tokens) as bigint) as output_tokens,
       count(*) filter (where input_tokens is null and output_tokens is null) as untold,
       sum(try_cast(cost_usd * 1e12 as hugeint)) / 1e12 as cost_usd, count(cost_usd) as priced,
       sum(try_cast(reported_cost_usd * 1e12 as hugeint)) / 1e12 as reported_usd, count(reported_cost_usd) as reported
from /* part calls_told */ told
where usage_role <> 'leaf'
group by usage_role, model
order by cost_usd desc nulls last, calls desc, usage_role, model
limit $max_rows
