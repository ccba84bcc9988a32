-- End users' feedback told in [since, until): of a user, a target and a name the newest. name, value, label, explanation, author, time, trace_id,
-- span_id, session_id, response_id, kind, key, letters. A part of other queries.
(
    select name, arg_max_null(value, place) as value, arg_max_null(label, place) as label, arg_max_null(explanation, place) as explanation,
           author, max(time) as time, trace_id, span_id, session_id, response_id, arg_max_null(metadata['kind'], place) as kind,
           arg_max_null(metadata['key'], place) as key, arg_max_null(metadata['letters'], place) as letters
    from (
        select *, (commit_seq, time, score_id) as place from scores
        where project_id = $project_id and source = 'user' and error_type is null and time >= $since and time < $until
          and ($score::varchar is null or name = $score)
    ) said
    group by name, author, trace_id, span_id, session_id, response_id
)
