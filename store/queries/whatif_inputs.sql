-- What was sent to model calls, of these traces within the window: a row per call whose span has it.
-- By the number of the row: as a filter of the outer scan it spares unpacking all other texts (0.04 s in place of 1.1 s at 5 million spans).
select trace_id::varchar as trace_id, printf('%016x', span_id) as span_id, input, input_key
from spans
where rowid in (
    select rowid from spans
    where project_id = $project_id and start_time >= $since and start_time < $until and kind = 'llm'
      and trace_id in (select unnest($trace_ids::uuid[]))
) and input is not null
