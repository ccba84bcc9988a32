-- As `rule_traces`, of traces that were over before, and of which a score named `$score` came with a commit in (after, upto]. Without those that one of the
-- evaluators `$evaluators` has scored since their newest span.
with told as (
    select distinct trace_id from scores
    where project_id = $project_id and name = $score and commit_seq > $after and commit_seq <= $upto and trace_id is not null
), fresh as (
    select trace_id, start_time, duration_ns, resolved_seq, trace_id::varchar as sampled_by
    from trace_summaries
    where project_id = $project_id and resolved_seq <= $after and trace_id in (select trace_id from told) and /* part trace_conditions */
), done as (
    select s.trace_id, max(s.commit_seq) as commit_seq from scores s
    where s.project_id = $project_id and s.trace_id in (select trace_id from told) and list_contains($evaluators::varchar[], s.evaluator)
    group by s.trace_id
)
select sampled_by as trace_id, epoch_us(start_time) as start_us, duration_ns, resolved_seq
from fresh left join done using (trace_id)
where /* part trace_sampled */ and (done.commit_seq is null or done.commit_seq < resolved_seq)
order by resolved_seq, trace_id
