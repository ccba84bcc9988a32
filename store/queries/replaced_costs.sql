-- One row per cost that another price replaced, newest first, beside the cost of now (null: unknown, or the call is no more). Filters: null is any.
select r.replaced_at, r.repricing_id, replace(r.trace_id::varchar, '-', '') as trace_id, printf('%016x', r.span_id) as span_id,
       r.start_time, r.usage_role, r.cost_usd, r.price_status, r.price_source, r.price_version, r.price_model,
       c.cost_usd as cost_now_usd, c.price_source as source_now, c.price_version as version_now
from replaced_costs r
left join calls c on c.project_id = $project_id and c.trace_id = r.trace_id and c.span_id = r.span_id
where r.project_id = $project_id and ($repricing_id::integer is null or r.repricing_id = $repricing_id::integer)
  and ($trace_id::uuid is null or r.trace_id = $trace_id::uuid)
order by r.replaced_at desc, r.start_time, r.span_id
limit $max_rows
