-- One row per span of a trace, in order of start: what its tree, its bars and its findings are made of, without texts. Facts that other
-- spans or logs supplied are filled in; usage_role is the last word. Ids are numbers. `host` tells whose clock it is; `retrieved`: it has documents.
-- Only spans that start in [since, until): the bounds of the trace, so that one trace is not searched in all of time.
select s.span_id, s.parent_span_id, s.name, s.kind, epoch_us(s.start_time) as start_us, s.duration_ns, s.status, s.service, o.host,
       coalesce(d.response_model, s.response_model, d.request_model, s.request_model) as model,
       coalesce(d.usage_role, s.usage_role) as usage_role, d.rule, d.duplicate_of_span,
       coalesce(d.input_tokens, s.input_tokens) as input_tokens, coalesce(d.output_tokens, s.output_tokens) as output_tokens, c.cost_usd,
       coalesce(d.error_type, s.error_type) as error_type,
       left(coalesce(d.error_message, s.error_message, s.status_message), 300) as error_message,
       s.tool_name, s.agent_name, list_contains(s.notes, 'never_ended') as never_ended, s.documents is not null as retrieved,
       coalesce(o.sample, false) as sample
from spans s
left join (
    select origin_id, resource['assayline.sample'] = 'true' as sample,
           coalesce(resource['host.name'], resource['k8s.pod.name'], resource['host.id']) as host
    from origins where project_id = $project_id
) o on o.origin_id = s.origin_id
left join span_derived d on d.project_id = $project_id and d.trace_id = $trace_id and d.span_id = s.span_id
left join calls c on c.project_id = $project_id and c.trace_id = $trace_id and c.span_id = s.span_id
  and c.start_time >= $since and c.start_time < $until
where s.project_id = $project_id and s.trace_id = $trace_id and s.start_time >= $since and s.start_time < $until
order by s.start_time, s.span_id
limit $max_rows
