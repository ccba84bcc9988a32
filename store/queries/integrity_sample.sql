-- One row per call of the sample: of the calls that count and have both a reported and a computed cost, by model about `$calls` each, those of
-- the traces whose ids have the lowest hashes: random, whole traces, and the same as long as the calls are. `excluded_usd`: what the rows that
-- told the call once more would have added; null: there are none with a cost.
with compared as not materialized (
    select * from /* part calls_kept */ kept
    where reported_cost_usd is not null and cost_usd is not null and hash(trace_id) <= $first_most::ubigint  -- of any model: so that little is read
), page as (
    select unnest($models::varchar[]) as model, unnest($compared::bigint[]) as compared
), picked as materialized (
    select c.trace_id, c.span_id, c.start_time, c.duration_ns, c.usage_role, c.failed, c.provider, c.request_model, c.response_model, c.model,
           c.service_tier, c.input_tokens, c.output_tokens, c.cache_read_tokens, c.cache_write_tokens, c.reasoning_tokens, c.usage_details,
           c.reported_cost_usd, c.cost_usd, c.input_usd, c.cache_read_usd, c.cache_write_usd, c.output_usd, c.other_usd, c.price_source,
           p.compared
    from compared c join page p on p.model is not distinct from c.model
    where hash(c.trace_id)::double < 18446744073709551616.0 * $calls / p.compared  -- of all hashes; with few calls: of more than there are
), twice as (
    select d.duplicate_of_trace, d.duplicate_of_span, sum(t.cost_usd) as excluded_usd
    from span_derived d join /* part calls_told */ t on t.trace_id = d.trace_id and t.span_id = d.span_id
    where d.project_id = $project_id and d.usage_role = 'duplicate' and d.duplicate_of_trace in (select trace_id from picked)
      and t.usage_role = 'duplicate'
    group by d.duplicate_of_trace, d.duplicate_of_span
)
select p.* replace (p.trace_id::varchar as trace_id, printf('%016x', p.span_id) as span_id), t.excluded_usd
from picked p left join twice t on t.duplicate_of_trace = p.trace_id and t.duplicate_of_span = p.span_id
order by p.model, p.trace_id, p.span_id
