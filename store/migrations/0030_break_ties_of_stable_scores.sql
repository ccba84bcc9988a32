-- 0030_break_ties_of_stable_scores.sql: of scores that came in one commit the view stable.scores tells the one of the latest time, as the pages do.

create or replace view stable.scores as
select (select name from main.projects p where p.project_id = s.project_id) as project, s.*
from (
    select project_id, case when session_id is not null then 'session' when span_id is not null or response_id is not null then 'span' else 'trace' end as target,
           trace_id, span_id, session_id, response_id, name, arg_max_null(value, place) as value, arg_max_null(label, place) as label,
           arg_max_null(explanation, place) as explanation, arg_max_null(source, place) as source, evaluator, evaluator_version, author,
           arg_max_null(error_type, place) is not null as failed, arg_max_null(error_type, place) as error_type,
           max(time) as time, arg_max(metadata, place) as metadata
    from (select *, (commit_seq, time, score_id) as place from main.scores)
    group by project_id, trace_id, span_id, session_id, response_id, name, evaluator, evaluator_version, author
) s
where error_type is distinct from 'withdrawn';

comment on view stable.scores is 'One row: the latest score of a target by name, evaluator, version and author. Scores that were taken back are left out.';
comment on column stable.scores.project is 'Name of the project.';
comment on column stable.scores.project_id is 'Number of the project, as in the tables of main.';
comment on column stable.scores.target is 'What was scored: trace, span or session.';
comment on column stable.scores.trace_id is 'Trace that was scored, or the span''s. Null: a session was, or only the response id is known.';
comment on column stable.scores.span_id is 'Span that was scored, a number. Null: another target, or only the response id is known.';
comment on column stable.scores.session_id is 'Session that was scored. Null: another target.';
comment on column stable.scores.response_id is 'The model call that was scored is the one with this response id: main.spans has it. Null: not told by it.';
comment on column stable.scores.name is 'What was judged, such as groundedness.';
comment on column stable.scores.value is 'The score. Null: only a label was given, or the evaluator failed.';
comment on column stable.scores.label is 'The label. Null: none was given.';
comment on column stable.scores.explanation is 'Why. Null: not told.';
comment on column stable.scores.source is 'Who judged: llm, human, code, user, api or telemetry.';
comment on column stable.scores.evaluator is 'Evaluator. Null: not told.';
comment on column stable.scores.evaluator_version is 'Its version. Null: not told.';
comment on column stable.scores.author is 'Person. Null: not told.';
comment on column stable.scores.failed is 'Whether the evaluator failed; value is null then.';
comment on column stable.scores.error_type is 'How it failed. Null: it did not.';
comment on column stable.scores.time is 'When it was given, UTC.';
comment on column stable.scores.metadata is 'What else was told of it; metadata[''key''] is one of its values.';
