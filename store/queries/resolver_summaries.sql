-- One row per loaded trace, with the columns of trace_summaries. Reads the relations `loaded`, `derived` (rows of span_derived for these
-- traces) and `priced` (their calls, with their cost). Only rows whose effective usage role is leaf feed sums; failed spans that were told
-- again are counted once. Costs are added up as decimals: the sum of floats depends on their order.
with recursive known as materialized (
    select s.trace_id, s.span_id, s.parent_span_id, s.start_time, s.duration_ns, s.commit_seq, s.name, s.kind, s.service, s.environment,
           s.release, s.sample, s.session_id, s.session_weak, s.user_id, s.variant, s.prompt_name, s.prompt_version, d.rule, coalesce(d.usage_role, s.usage_role) as role, d.usage_role as derived_role, d.tool_executions,
           coalesce(d.input_tokens, s.input_tokens) as used_input, coalesce(d.output_tokens, s.output_tokens) as used_output,
           coalesce(d.cache_read_tokens, s.cache_read_tokens) as used_cache_read,
           coalesce(d.cache_write_tokens, s.cache_write_tokens) as used_cache_write,
           coalesce(d.reasoning_tokens, s.reasoning_tokens) as used_reasoning,
           coalesce(d.reported_cost_usd, s.reported_cost_usd) as reported_cost,
           coalesce(d.response_model, s.response_model, d.request_model, s.request_model) as model,
           coalesce(d.error_type, s.error_type) as known_error_type, coalesce(d.error_message, s.error_message) as known_error_message,
           s.failed or d.error_type is not null as has_failed,
           -- The order of the spans in their trace, those without a parent first: one number is a third of the work of a window.
           case when p.span_id is null then 0 else 1::hugeint << 120 end + (epoch_us(s.start_time)::hugeint << 64) + s.span_id as place
    from loaded s
    left join derived d on d.trace_id = s.trace_id and d.span_id = s.span_id
    left join (select distinct trace_id, span_id from loaded) p on p.trace_id = s.trace_id and p.span_id = s.parent_span_id
), failures as (  -- counted once, at the deepest
    select f.trace_id, f.span_id, f.parent_span_id, f.start_time, f.known_error_type, f.known_error_message
    from known f
    where f.has_failed and f.derived_role is distinct from 'duplicate'
      and not exists (
          select 1 from known c
          where c.trace_id = f.trace_id and c.parent_span_id = f.span_id and c.has_failed and c.derived_role is distinct from 'duplicate'
      )
), climb(trace_id, span_id, above, depth) as (
    select trace_id, span_id, parent_span_id, 0 from failures
    union all
    select c.trace_id, c.span_id, k.parent_span_id, c.depth + 1
    from climb c join known k on k.trace_id = c.trace_id and k.span_id = c.above
    where c.depth < 200  -- parents may go in a circle
), depths as (
    select trace_id, span_id, max(depth) as depth from climb group by trace_id, span_id
), deepest as (
    select f.trace_id, f.known_error_type as error_type, f.known_error_message as error_message,
           row_number() over (partition by f.trace_id order by d.depth desc, f.start_time, f.span_id) as place,
           count(*) over (partition by f.trace_id) as errors
    from failures f join depths d on d.trace_id = f.trace_id and d.span_id = f.span_id
), trace_tags as (
    select trace_id, list(distinct tag order by tag) as tags
    from (select trace_id, unnest(tags) as tag from loaded where len(tags) > 0)
    group by trace_id
), costs as (
    select trace_id, sum(try_cast(cost_usd as decimal(38, 15)))::double as cost_usd,
           count(*) filter (
               where cost_usd is null and not (failed and input_tokens is null and output_tokens is null)
           ) as unpriced_calls
    from priced
    where usage_role = 'leaf'
    group by trace_id
), sums as (
    select
        trace_id,
        max(commit_seq) as resolved_seq,
        min(start_time) as start_time,
        -- A start may lie as late as 2554, so nanoseconds need 128 bits on the way; nothing lasts longer than 64 bits tell, 292 years.
        least(
            max(epoch_us(start_time) * 1000::hugeint + coalesce(duration_ns, 0)) - min(epoch_us(start_time)) * 1000::hugeint,
            9223372036854775807
        )::bigint as duration_ns,
        arg_min(span_id, place) as root_span_id,
        arg_min(name, place) as root_name,
        arg_min(parent_span_id is not null, place) as root_missing,
        arg_min(service, place) as service,
        coalesce(list_sort(list_distinct(list(service) filter (where service is not null))), []) as services,
        arg_min(environment, place) as environment,
        arg_min(release, place) as release,
        count(*) as spans,
        count(*) filter (where kind = 'llm' and role = 'leaf' and not has_failed) as model_calls_ok,
        count(*) filter (where kind = 'llm' and role = 'leaf' and has_failed) as model_calls_failed,
        count(*) filter (where kind = 'embedding' and role = 'leaf') as embedding_calls,
        try_cast(sum(used_input) filter (where kind = 'embedding' and role = 'leaf') as bigint) as embedding_input_tokens,
        count(*) filter (where kind = 'tool' and derived_role is null) + coalesce(sum(tool_executions), 0) as tool_executions,
        count(*) filter (where kind = 'tool' and derived_role is null and has_failed) as tool_executions_failed,
        try_cast(sum(used_input) filter (where kind <> 'embedding' and role = 'leaf') as bigint) as input_tokens,
        try_cast(sum(used_output) filter (where kind <> 'embedding' and role = 'leaf') as bigint) as output_tokens,
        try_cast(sum(used_cache_read) filter (where kind <> 'embedding' and role = 'leaf') as bigint) as cache_read_tokens,
        try_cast(sum(used_cache_write) filter (where kind <> 'embedding' and role = 'leaf') as bigint) as cache_write_tokens,
        try_cast(sum(used_reasoning) filter (where kind <> 'embedding' and role = 'leaf') as bigint) as reasoning_tokens,
        count(*) filter (
            where kind = 'llm' and role = 'leaf' and not has_failed and used_input is null and used_output is null
        ) as unknown_usage_calls,
        count(*) filter (
            where kind = 'llm' and role = 'leaf' and not has_failed and (used_input is null) <> (used_output is null)
        ) as half_told_calls,
        bool_or(sample) as sample,
        coalesce(bool_or(rule = 'lowest_aggregate_estimated'), false) as usage_estimated,
        sum(reported_cost) filter (where role = 'leaf') as reported_cost_usd,
        arg_min(has_failed, place) as root_failed,
        bool_or(has_failed) as any_failed,
        coalesce(arg_min(session_id, place) filter (where not session_weak), arg_min(session_id, place)) as session_id,
        arg_min(user_id, place) as user_id,
        coalesce(list_sort(list_distinct(list(model) filter (where role = 'leaf' and model is not null))), []) as models,
        coalesce(list_sort(list_distinct(list(variant) filter (where variant is not null))), []) as variants,
        coalesce(
            list_sort(list_distinct(list(prompt_name || coalesce('@' || prompt_version, '')) filter (where prompt_name is not null))), []
        ) as prompts
    from known
    group by trace_id
)
select s.* exclude (root_failed, any_failed, session_id, user_id, models, variants, prompts),
       coalesce(e.errors, 0) as errors, e.error_type, e.error_message,
       case when root_failed then 'error' when any_failed then 'recovered' else 'ok' end as status,
       session_id, user_id, models, coalesce(t.tags, []) as tags, variants, prompts,
       c.cost_usd, coalesce(c.unpriced_calls, 0) as unpriced_calls
from sums s
left join costs c on c.trace_id = s.trace_id
left join deepest e on e.trace_id = s.trace_id and e.place = 1
left join trace_tags t on t.trace_id = s.trace_id
order by s.trace_id
