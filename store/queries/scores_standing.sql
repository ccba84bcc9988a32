-- Scores of the project that were not taken back, with `number`, their row. A score is taken back by a later one of the same target, name, evaluator, author
-- and source that has the error `withdrawn`: what others say of that target stands. A part of other queries, for those that take the newest score whoever gave it.
-- The rows that were taken back are few, and left out by their number: to join all scores with what took them back takes three times as long.
select s.*, s.rowid as number
from scores s
where s.project_id = $project_id and s.error_type is distinct from 'withdrawn' and s.rowid not in (
    select t.rowid
    from scores t join (
        select trace_id, span_id, session_id, response_id, name, evaluator, author, source, max((commit_seq, time, score_id)) as place
        from scores where project_id = $project_id and error_type = 'withdrawn' group by all
    ) back on back.name = t.name and back.source = t.source and back.trace_id is not distinct from t.trace_id and back.span_id is not distinct from t.span_id
          and back.session_id is not distinct from t.session_id and back.response_id is not distinct from t.response_id
          and back.evaluator is not distinct from t.evaluator and back.author is not distinct from t.author
    where t.project_id = $project_id and (t.commit_seq, t.time, t.score_id) <= back.place
)
