-- Of the relation `scored`, rows of `monitor_targets`, those that have a call which the filters keep: the call itself, one of the trace, or one of the
-- session. A part of other queries; `monitor_whole` stands in its place where there is no filter.
with near as materialized (
    select trace_id, span_id, session_id from /* part calls_kept until=beyond */ kept where $sliced and trace_id in /* part monitor_traces */
)
select s.* from scored s join near n on n.trace_id = s.trace_id and n.span_id = s.span_id where s.of_call
union all
select * from scored where not of_call and session_id is null and trace_id in (select trace_id from near)
union all
select * from scored where session_id in (select session_id from near where session_id is not null)
