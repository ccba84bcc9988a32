-- One row: model calls that ended well and told one side of their usage only, input or output, so that the sums of tokens are too low.
-- A call told by several spans counts once. The join as in `home_latency`.
select count(*) as calls
from spans s
left join span_derived d on d.project_id = $project_id and d.trace_id = s.trace_id and d.span_id = s.span_id
where s.project_id = $project_id and s.start_time >= $since and s.start_time < $until
  and s.kind = 'llm' and s.status <> 'error' and coalesce(d.error_type, s.error_type) is null
  and coalesce(d.usage_role, s.usage_role, 'leaf') = 'leaf'
  and (coalesce(d.input_tokens, s.input_tokens) is null) <> (coalesce(d.output_tokens, s.output_tokens) is null)
