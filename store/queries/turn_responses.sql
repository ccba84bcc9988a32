-- Response ids of scores, with the trace among `$traces` whose model call has it. Spans start within [since_us, until_us], constants by which most of
-- the table is passed over; without a score that names a response id no span is looked at.
with named as (
    select distinct response_id from scores where project_id = $project_id and response_id is not null
)
select distinct s.response_id, s.trace_id::varchar as trace_id
from spans s join named n on n.response_id = s.response_id
where s.project_id = $project_id and s.start_time >= make_timestamp($since_us) and s.start_time <= make_timestamp($until_us)
  and s.trace_id in (select unnest($traces::uuid[]))
