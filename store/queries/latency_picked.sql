-- One row per trace of the sample: of the traces with a call that the filters keep, the `$traces` whose ids have the lowest hashes, so that the
-- sample is random, and the same as long as the traces are. Only hashes in the lowest `$share` (1: all) of their range are looked at:
-- `found` traces have one. Spans lie within the bounds of their summary, [opened, closed].
with slice as (
    select trace_id from /* part calls_kept */ kept where $share >= 1 or hash(trace_id)::double < $share * 18446744073709551616.0 group by trace_id
), picked as materialized (
    select trace_id, count(*) over () as found from slice order by hash(trace_id), trace_id limit $traces
)
select p.trace_id::varchar as trace_id, p.found, t.start_time - interval 1 second as opened,
       t.start_time + to_microseconds(t.duration_ns // 1000) + interval 1 second as closed
from picked p join trace_summaries t on t.project_id = $project_id and t.trace_id = p.trace_id
