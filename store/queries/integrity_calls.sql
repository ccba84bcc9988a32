-- One row per call behind a row of the page, the first `$page_size`: compared ones furthest apart first, all others newest first. `rule` says
-- why the call was not counted, `kept_trace_id` and `kept_span_id` which row is counted in its place (null: of an aggregate several are).
with found as materialized (
    select trace_id, span_id, start_time, model, provider, service, usage_role, failed, input_tokens, output_tokens, cache_read_tokens, cost_usd,
           reported_cost_usd, abs(reported_cost_usd - cost_usd) as apart
    from /* part calls_told */ told
    where case $what::varchar
          when 'compared' then usage_role = 'leaf' and reported_cost_usd is not null and cost_usd is not null
          when 'duplicate' then usage_role = 'duplicate'
          when 'aggregate' then usage_role = 'aggregate'
          else usage_role = 'leaf' and not failed and (input_tokens is null and output_tokens is null
               or kind = 'llm' and (input_tokens is null or output_tokens is null)) end
    order by case when $what::varchar = 'compared' then apart end desc nulls last, start_time desc, trace_id, span_id
    limit $page_size
)
select f.trace_id::varchar as trace_id, printf('%016x', f.span_id) as span_id, f.start_time, f.model, f.provider, f.service, f.usage_role, f.failed,
       f.input_tokens, f.output_tokens, f.cache_read_tokens, f.cost_usd, f.reported_cost_usd, d.rule,
       d.duplicate_of_trace::varchar as kept_trace_id, printf('%016x', d.duplicate_of_span) as kept_span_id
from found f
left join (
    select * from span_derived where project_id = $project_id and trace_id in (select trace_id from found)
) d on d.trace_id = f.trace_id and d.span_id = f.span_id
order by case when $what::varchar = 'compared' then f.apart end desc nulls last, f.start_time desc, f.trace_id, f.span_id
