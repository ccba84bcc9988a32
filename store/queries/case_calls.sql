-- One row per model call that counts among those of the traces `$traces`, started within [since_us, until_us], by start. Ids as in `case_spans`.
select replace(trace_id::varchar, '-', '') as trace_id, printf('%016x', span_id) as span_id
from calls
where project_id = $project_id and trace_id in (select unnest($traces::uuid[])) and usage_role = 'leaf' and kind = 'llm'
  and start_time >= make_timestamp($since_us) and start_time <= make_timestamp($until_us)
order by start_time, trace_id, span_id
