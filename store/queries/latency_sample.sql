-- One row per span of the traces, of those that start in [opened, closed], both inclusive. The bounds are constants: from a subquery they would
-- make the store look at every span there is.
select trace_id::varchar as trace_id, span_id::varchar as span_id, parent_span_id::varchar as parent_span_id, kind,
       epoch_us(start_time) * 1000 as start_ns, duration_ns
from spans
where project_id = $project_id and start_time >= $opened and start_time <= $closed and trace_id in (select unnest($traces::uuid[]))
