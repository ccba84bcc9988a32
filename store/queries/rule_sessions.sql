-- One row per session with a trace whose newest span came with a commit in (after, upto] and none after, a trace that meets every filter (null: any), and a
-- place in the sample. Of traces that started from `$earliest` on. trace_id is its newest; the bounds are those of all its traces.
with touched as (
    select distinct session_id from trace_summaries
    where project_id = $project_id and resolved_seq > $after and resolved_seq <= $upto and session_id is not null
), held as (
    select session_id, trace_id, start_time, duration_ns, resolved_seq, /* part trace_conditions */ as met
    from trace_summaries
    where project_id = $project_id and start_time >= $earliest and session_id in (select session_id from touched)
), together as (
    select session_id, session_id as sampled_by, arg_max(trace_id, (start_time, trace_id)) as newest, min(epoch_us(start_time)) as start_us,
           max(epoch_us(start_time) + duration_ns // 1000 + 1) as end_us, max(resolved_seq) as resolved_seq
    from held group by session_id having bool_or(met)
)
select session_id, newest::varchar as trace_id, start_us, end_us, resolved_seq
from together where resolved_seq <= $upto and /* part trace_sampled */
order by resolved_seq, session_id
limit $most
