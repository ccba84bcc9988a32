-- The summary of one trace; no row: the trace is unknown, or not resolved yet. The counts of spans that told a call again, or
-- summed others, say what was left out of the totals.
select t.* exclude (project_id, trace_id, root_span_id), t.trace_id::varchar as trace_id, t.root_span_id::varchar as root_span_id,
       (select count(*) from span_derived d where d.project_id = $project_id and d.trace_id = t.trace_id and d.usage_role = 'duplicate') as duplicates
from trace_summaries t
where t.project_id = $project_id and t.trace_id = $trace_id
