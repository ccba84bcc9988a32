-- What a row with user_id, session_id and trace_id belongs to: its user where that is told and asked for, else its session, else its trace. A hash, as
-- text would take twice the time; two of a million clusters share one with a chance of 1 in 40 million. An expression, for other queries.
case when $cluster = 'user' and user_id is not null then hash('user', user_id)
     when $cluster <> 'trace' and session_id is not null then hash('session', session_id)
     else hash(trace_id) end
