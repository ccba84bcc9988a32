-- End users' feedback told in [since, until): of a user, a target and a name the newest, where it is neither taken back nor failed. name, value, label,
-- explanation, author, time, trace_id, span_id, session_id, response_id, kind, key. A part of other queries.
(
    -- The number of the row alone is looked for: to carry along what it says takes twice the time.
    select name, value, label, explanation, author, time, trace_id, span_id, session_id, response_id, metadata['kind'] as kind, metadata['key'] as key
    from scores
    where rowid in (
        select arg_max(rowid, (commit_seq, time, score_id)) from scores
        where project_id = $project_id and source = 'user' and time >= $since and time < $until and ($score::varchar is null or name = $score)
        group by name, author, trace_id, span_id, session_id, response_id
    ) and error_type is null
)
