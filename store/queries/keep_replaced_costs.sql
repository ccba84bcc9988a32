-- Adds to replaced_costs the costs that another price is about to replace: calls of the traces whose cost and whose price are both other
-- ones in the relation `resolver_new_calls`. Calls start in [since, until], both inclusive.
insert into replaced_costs
select o.project_id, o.trace_id, o.span_id, o.start_time, o.usage_role, now() at time zone 'utc', $repricing_id,
       o.cost_usd, o.price_status, o.price_source, o.price_version, o.price_model
from calls o
join resolver_new_calls n on n.trace_id::uuid = o.trace_id and n.span_id = o.span_id
where o.project_id = $project_id and o.trace_id in (select unnest($traces::uuid[])) and o.start_time between $since and $until
  and o.cost_usd is distinct from n.cost_usd
  and (o.price_source is distinct from n.price_source or o.price_version is distinct from n.price_version
       or o.price_model is distinct from n.price_model)
