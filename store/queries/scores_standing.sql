-- Scores of the project that were not taken back, with `number`, their row. A score is taken back by a later one of the same target, name, evaluator, author
-- and source that has the error `withdrawn`: what others say of that target stands. A part of other queries, for those that take the newest score whoever gave it.
select s.*, s.rowid as number
from scores s left join (
    select trace_id, span_id, session_id, response_id, name, evaluator, author, source, max((commit_seq, time, score_id)) as place
    from scores where project_id = $project_id and error_type = 'withdrawn' group by all
) back on back.name = s.name and back.source = s.source and back.trace_id is not distinct from s.trace_id and back.span_id is not distinct from s.span_id
      and back.session_id is not distinct from s.session_id and back.response_id is not distinct from s.response_id
      and back.evaluator is not distinct from s.evaluator and back.author is not distinct from s.author
where s.project_id = $project_id and s.error_type is distinct from 'withdrawn' and (back.place is null or (s.commit_seq, s.time, s.score_id) > back.place)
