-- What a row with session_id, user_id and trace_id belongs to: its session where that is told, else its user, else its trace. A hash. An expression, for
-- other queries.
case when session_id is not null then hash('session', session_id) when user_id is not null then hash('user', user_id) else hash(trace_id) end
