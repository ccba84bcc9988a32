-- Of the relation `scored`, rows of `monitor_targets`, those that have a call which the filters keep: the call itself, one of the trace, or one of the
-- session. A part of other queries; `monitor_whole` stands in its place where there is no filter.
with of_traces as materialized (
    select trace_id, span_id from /* part calls_kept until=beyond */ kept where $sliced and trace_id in (select trace_id from scored)
), of_sessions as materialized (
    select session_id from /* part calls_kept until=beyond */ kept
    where $sliced and session_id in (select session_id from scored where session_id is not null) group by session_id
)
select s.* from scored s join of_traces n on n.trace_id = s.trace_id and n.span_id = s.span_id where s.of_call
union all
select * from scored where not of_call and session_id is null and trace_id in (select trace_id from of_traces)
union all
select * from scored where session_id in (select session_id from of_sessions)
