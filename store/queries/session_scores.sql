-- One row per session and name of the scores of the session, of its traces and of their spans: the latest by target, name, evaluator with its
-- version, author and source that was not taken back. `valued` have a value, whose `mean` is told; `failed` ones have none. Scores that name a
-- response id alone are not among them.
with held as (
    select trace_id, session_id from trace_summaries
    where project_id = $project_id and session_id in (select unnest($sessions::varchar[]))
), met as (
    select h.session_id as of_session, s.rowid as place from scores s join held h on h.trace_id = s.trace_id
    where s.project_id = $project_id and s.session_id is null
    union all
    select session_id, rowid from scores where project_id = $project_id and session_id in (select unnest($sessions::varchar[]))
), newest as (
    select m.of_session, s.name, arg_max_null(s.value, (s.commit_seq, s.time, s.score_id)) as value,
           arg_max_null(s.error_type, (s.commit_seq, s.time, s.score_id)) as error_type
    from scores s join met m on m.place = s.rowid
    group by m.of_session, s.name, s.trace_id, s.span_id, s.session_id, s.evaluator, s.evaluator_version, s.author, s.source
)
select of_session as session_id, name, count(*) as scores, count(value) as valued, avg(value) as mean,
       count(*) filter (where error_type is not null) as failed
from newest where error_type is distinct from 'withdrawn'
group by of_session, name
order by session_id, scores desc, name
