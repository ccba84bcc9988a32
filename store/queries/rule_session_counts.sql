-- As `rule_counts`, of the sessions whose newest trace started in [since, until) and of which a trace meets every filter.
with held as (
    select session_id, start_time, input_tokens, output_tokens, /* part trace_conditions */ as met from trace_summaries
    where project_id = $project_id and start_time >= $earliest and session_id is not null
), together as (
    select session_id, session_id as sampled_by, max(start_time) as newest, sum(input_tokens) as input_tokens, sum(output_tokens) as output_tokens
    from held group by session_id having bool_or(met)
), told as (
    select *, /* part trace_sampled */ as sampled,
           session_id in (select session_id from /* part rule_rulers */ known where session_id is not null) as scored
    from together where newest >= $since and newest < $until
)
select count(*) as matching, count(*) filter (where sampled) as sampled, count(*) filter (where sampled and scored) as scored,
       0::bigint as calls, 0::bigint as sampled_calls, avg(input_tokens) filter (where sampled) as input_tokens,
       avg(output_tokens) filter (where sampled) as output_tokens
from told
