-- One row per trace whose newest span came with a commit in (after, upto], that meets every filter (null: any) and is in the sample, in order of these
-- commits: at most `$most`.
with fresh as (
    select trace_id, start_time, duration_ns, resolved_seq, trace_id::varchar as sampled_by
    from trace_summaries
    where project_id = $project_id and resolved_seq > $after and resolved_seq <= $upto and /* part trace_conditions */
)
select sampled_by as trace_id, epoch_us(start_time) as start_us, duration_ns, resolved_seq
from fresh where /* part trace_sampled */
order by resolved_seq, trace_id
limit $most
