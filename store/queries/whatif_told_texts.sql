-- What the logs of model calls said was sent and answered, for calls whose spans did not: of the spans of these traces.
select trace_id::varchar as trace_id, span_id, input, output, system_instructions
from span_derived
where project_id = $project_id and trace_id in (select unnest($trace_ids::uuid[])) and (input is not null or output is not null)
