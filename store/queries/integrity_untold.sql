-- One row per model with calls that count, ended well and did not tell all of their usage. Most of them first.
select model, count(*) as calls, count(*) filter (where untold) as untold, count(*) filter (where half_told) as half_told,
       count(*) filter (where failed and input_tokens is null and output_tokens is null) as silent_failures,
       count(distinct case when untold or half_told then service end) as services, min(case when untold or half_told then service end) as service
from (
    select *, not failed and input_tokens is null and output_tokens is null as untold,
           not failed and kind = 'llm' and (input_tokens is null) <> (output_tokens is null) as half_told
    from /* part calls_kept */ kept
) told
group by model
having count(*) filter (where untold or half_told) > 0
order by count(*) filter (where untold or half_told) desc, model
limit $max_rows
