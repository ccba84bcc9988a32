-- Whether a row with a trace_id and a session_id is of a trace that has a score which meets the filters: of itself, of one of its spans, or of its
-- session. A condition.
trace_id in (select trace_id from /* part scores_met score=with_score score_at_least=with_score_at_least score_at_most=with_score_at_most score_label=with_score_label score_failed=with_score_failed */ of_traces where trace_id is not null)
or session_id in (select session_id from /* part scores_met score=with_score score_at_least=with_score_at_least score_at_most=with_score_at_most score_label=with_score_label score_failed=with_score_failed */ of_sessions where session_id is not null)
