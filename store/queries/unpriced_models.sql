-- One row per provider and model without a price, over calls that count and started in [since, until): most calls first. `model` is the one
-- that answered, else the one that was asked for.
select provider, coalesce(response_model, request_model) as model, price_status, count(*) as calls,
       try_cast(sum(input_tokens) as bigint) as input_tokens, try_cast(sum(output_tokens) as bigint) as output_tokens,
       min(start_time) as first_seen, max(start_time) as last_seen, arg_max(trace_id, start_time)::varchar as trace_id,
       arg_max(price_note, start_time) as note
from calls
where project_id = $project_id and start_time >= $since and start_time < $until and usage_role = 'leaf' and cost_usd is null
  and not (failed and input_tokens is null and output_tokens is null)
group by provider, coalesce(response_model, request_model), price_status
order by calls desc, model, provider, price_status
limit $max_rows
