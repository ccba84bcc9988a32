-- One row about the traces that started in [since, until) and meet every filter (null: any): how many, how many of them are in the sample, how many of those
-- each of `$rulers` has scored; and of those that are left their model calls and tokens (null: unknown).
with held as (
    select trace_id, trace_id::varchar as sampled_by, model_calls_ok + model_calls_failed as calls, input_tokens, output_tokens
    from trace_summaries
    where project_id = $project_id and start_time >= $since and start_time < $until and /* part trace_conditions */
), told as (
    select *, /* part trace_sampled */ as sampled,
           trace_id in (select trace_id from /* part rule_rulers */ known where trace_id is not null) as scored
    from held
)
select count(*) as matching, count(*) filter (where sampled) as sampled, count(*) filter (where sampled and scored) as scored,
       coalesce(sum(calls) filter (where sampled and not scored), 0)::bigint as calls,
       coalesce(sum(calls) filter (where sampled), 0)::bigint as sampled_calls,
       avg(input_tokens) filter (where sampled) as input_tokens, avg(output_tokens) filter (where sampled) as output_tokens
from told
