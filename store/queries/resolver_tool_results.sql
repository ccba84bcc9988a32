-- One row per model call of these traces whose input may end in tool results: its stored text.
with wanted as (
    select rowid as id from spans where project_id = $project_id and trace_id in (select unnest($traces::uuid[]))
)
select trace_id::varchar as trace_id, span_id, input, input_key
from spans
where rowid in (select id from wanted) and kind = 'llm' and usage_role = 'leaf'
  and regexp_matches(input, 'tool|function_call_output|function_?response', 'i')
