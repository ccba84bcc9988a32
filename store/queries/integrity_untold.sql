-- One row per model with calls that count, ended well and did not tell all of their usage. Most of them first. What sums know is read from them:
-- of calls one by one only those that told half, and failed ones that cost something and told nothing, which are no silent failures of the sums.
with apart as (
    select model, service, count(*) filter (where not failed) as half_told, count(*) filter (where failed) as silent_failures
    from /* part calls_kept */ kept
    where case when failed then cost_usd is not null and input_tokens is null and output_tokens is null
               else kind = 'llm' and (input_tokens is null) <> (output_tokens is null) end
    group by model, service
), told as (
    select model, service, sum(calls) as calls, sum(unknown_usage) as untold, 0 as half_told, sum(silent_failures) as silent_failures
    from /* part calls_summed */ summed group by model, service
    union all
    select model, service, 0, 0, half_told, silent_failures from apart
)
select model, sum(calls)::bigint as calls, sum(untold)::bigint as untold, sum(half_told)::bigint as half_told,
       sum(silent_failures)::bigint as silent_failures,
       count(distinct case when untold > 0 or half_told > 0 then service end) as services,
       min(case when untold > 0 or half_told > 0 then service end) as service
from told
group by model
having sum(untold) + sum(half_told) > 0
order by sum(untold) + sum(half_told) desc, model
limit $max_rows
