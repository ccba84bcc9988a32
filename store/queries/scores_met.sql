-- One row per target of scores named `$score` whose newest one, whoever gave it, meets the bounds (null: any): trace_id of a trace, of a span or of the
-- call with a response id; session_id of a session. A failed one has no value and no label, so that it meets none of those bounds.
with told as (
    select coalesce(trace_id::varchar, session_id, response_id) as target, span_id, arg_max_null(value, commit_seq) as value,
           arg_max_null(label, commit_seq) as label, arg_max_null(error_type, commit_seq) as error_type, any_value(trace_id) as trace_id,
           any_value(session_id) as session_id, any_value(response_id) as response_id
    from /* part scores_standing */ standing where name = $score group by all
), met as (
    select * from told
    where ($score_at_least::double is null or value >= $score_at_least) and ($score_at_most::double is null or value <= $score_at_most)
      and ($score_label::varchar is null or label = $score_label) and ($score_failed::boolean is null or (error_type is not null) = $score_failed)
)
select trace_id, session_id from met where response_id is null
union all
select s.trace_id, null from met m join spans s on s.response_id = m.response_id where s.project_id = $project_id
