-- One row per target that each of `$rulers` (evaluator and version with a blank between) has scored: trace_id, or session_id. A failed score is none.
select trace_id, session_id from scores
where project_id = $project_id and error_type is null and list_contains($rulers::varchar[], concat(evaluator, ' ', evaluator_version))
  and (session_id is not null) = $of_sessions
group by trace_id, session_id
having count(distinct concat(evaluator, ' ', evaluator_version)) >= len($rulers::varchar[])
