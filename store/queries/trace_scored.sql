-- Whether a row with the columns of trace_summaries has a score that meets the filters: of the trace, of one of its spans, or of its session. A condition.
trace_id in (select trace_id from /* part scores_met */ of_traces where trace_id is not null)
or session_id in (select session_id from /* part scores_met */ of_sessions where session_id is not null)
