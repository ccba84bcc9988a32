-- One row per trace that started in [since, until), meets every filter (null: any) and is in the sample, newest first: those before the trace
-- (`after_start_us`, `after_trace`), null: from the newest on, at most `$most`. `scored`: each of `$rulers` has scored it.
with held as (
    select trace_id, start_time, duration_ns, trace_id::varchar as sampled_by from trace_summaries
    where project_id = $project_id and start_time >= $since and start_time < $until and /* part trace_conditions */
      and ($after_start_us::bigint is null or (epoch_us(start_time), trace_id) < ($after_start_us::bigint, $after_trace::uuid))
), page as (
    select * from held where /* part trace_sampled */ order by start_time desc, trace_id desc limit $most
)
select sampled_by as trace_id, epoch_us(start_time) as start_us, duration_ns,
       trace_id in (select trace_id from /* part rule_rulers */ known where trace_id is not null) as scored
from page order by start_time desc, trace_id desc
