-- As `rule_stored`, one row per session whose newest trace started in [since, until) and of which a trace meets every filter. Of traces that started from
-- `$earliest` on.
with held as (
    select session_id, trace_id, start_time, duration_ns, /* part trace_conditions */ as met from trace_summaries
    where project_id = $project_id and start_time >= $earliest and session_id is not null
), together as (
    select session_id, session_id as sampled_by, arg_max(trace_id, (start_time, trace_id)) as trace_id, min(epoch_us(start_time)) as start_us,
           max(epoch_us(start_time) + duration_ns // 1000 + 1) as end_us, max(start_time) as newest
    from held group by session_id having bool_or(met)
), page as (
    select * from together
    where newest >= $since and newest < $until and /* part trace_sampled */
      and ($after_start_us::bigint is null or (epoch_us(newest), trace_id) < ($after_start_us::bigint, $after_trace::uuid))
    order by newest desc, trace_id desc limit $most
)
select session_id, trace_id::varchar as trace_id, start_us, end_us, epoch_us(newest) as newest_us,
       session_id in (select session_id from /* part rule_rulers */ known where session_id is not null) as scored
from page order by newest desc, trace_id desc
