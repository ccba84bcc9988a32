-- Traces and sessions that people labelled, as reviewers and not as end users: trace_id and session_id, of which one may be null. A part of other queries.
select distinct trace_id, session_id from scores where project_id = $project_id and source = 'human' and response_id is null
