-- One page of traces that started in [since, until) and match every filter given (null: any), in the order of `sort`:
-- newest, slowest, tokens (unknown last), errors. Keyset paging: rows after the key (after_sort, after_start_us, after_root), or,
-- with `backward`, the rows right before it; either way the caller gets them best first. `total` counts all that match.
with matching as (
    select trace_id, root_span_id::hugeint as root_key, epoch_us(start_time) as start_us,
           case $sort when 'slowest' then duration_ns
                      when 'tokens' then coalesce(input_tokens + output_tokens, input_tokens, output_tokens, -1)
                      when 'errors' then errors
                      else epoch_us(start_time) end as sort_key
    from trace_summaries
    where project_id = $project_id and start_time >= $since and start_time < $until
      and ($service::varchar is null or service = $service)
      and ($environment::varchar is null or environment = $environment)
      and ($status::varchar is null or status = $status)
      and ($model::varchar is null or list_contains(models, $model))
      and ($variant::varchar is null or list_contains(variants, $variant))
      and ($tag::varchar is null or list_contains(tags, $tag))
      and ($session_id::varchar is null or session_id = $session_id)
      and ($user_id::varchar is null or user_id = $user_id)
      and ($has_errors::boolean is null or (errors > 0) = $has_errors)
      and ($min_duration_ns::bigint is null or duration_ns >= $min_duration_ns)
      and ($text::varchar is null or contains(lower(root_name), lower($text)) or contains(lower(error_message), lower($text))
           or contains(lower(error_type), lower($text)))
), page as (
    select trace_id, sort_key, start_us, root_key, case when $backward then -1 else 1 end as sign
    from matching
    where $after_sort::bigint is null
       or (not $backward and (sort_key, start_us, root_key) < ($after_sort::bigint, $after_start_us::bigint, $after_root::hugeint))
       or ($backward and (sort_key, start_us, root_key) > ($after_sort::bigint, $after_start_us::bigint, $after_root::hugeint))
    order by sort_key * sign desc, start_us * sign desc, root_key * sign desc
    limit $page_size
), shown as (
    select p.trace_id, t.root_span_id, t.start_time as opened, t.start_time + to_microseconds(t.duration_ns // 1000 + 1) as closed
    from page p join trace_summaries t on t.trace_id = p.trace_id
    where t.project_id = $project_id
), bounds as (
    select min(opened) as opened, max(closed) as closed from shown
), told as (  -- content that arrived in logs
    select trace_id, span_id, input, output from span_derived
    where project_id = $project_id and trace_id in (select trace_id from shown) and (input is not null or output is not null)
), speakers as (  -- whose words stand for the trace: its root, else its first model call that was heard and its last that spoke
    select s.trace_id,
           coalesce(max(s.span_id) filter (where s.span_id = w.root_span_id and coalesce(s.input, d.input) is not null),
                    arg_min(s.span_id, s.start_time) filter (where s.kind = 'llm' and coalesce(s.input, d.input) is not null)) as asker,
           coalesce(max(s.span_id) filter (where s.span_id = w.root_span_id and coalesce(s.output, d.output) is not null),
                    arg_max(s.span_id, s.start_time) filter (where s.kind = 'llm' and coalesce(s.output, d.output) is not null)) as answerer
    from spans s join shown w on s.trace_id = w.trace_id
    left join told d on d.trace_id = s.trace_id and d.span_id = s.span_id
    where s.project_id = $project_id and s.start_time between (select opened from bounds) and (select closed from bounds)
      and s.start_time between w.opened and w.closed
    group by s.trace_id
), words as (
    select s.trace_id,
           max(left(coalesce(s.input, d.input), 20000)) filter (where s.span_id = k.asker) as input,
           max(s.input_key) filter (where s.span_id = k.asker) as input_key,
           max(left(coalesce(s.output, d.output), 20000)) filter (where s.span_id = k.answerer) as output,
           max(s.output_key) filter (where s.span_id = k.answerer) as output_key
    from spans s join speakers k on s.trace_id = k.trace_id and (s.span_id = k.asker or s.span_id = k.answerer)
    left join told d on d.trace_id = s.trace_id and d.span_id = s.span_id
    where s.project_id = $project_id and s.start_time between (select opened from bounds) and (select closed from bounds)
    group by s.trace_id
)
select t.trace_id::varchar as trace_id, t.start_time, t.duration_ns, t.root_name, t.root_missing, t.service, t.environment,
       t.status, t.spans, t.model_calls_ok, t.model_calls_failed, t.tool_executions, t.input_tokens, t.output_tokens,
       t.unknown_usage_calls, t.usage_estimated, t.cost_usd, t.reported_cost_usd, t.errors, t.error_type, t.error_message,
       t.session_id, t.user_id, t.models, t.tags, t.variants,
       p.sort_key, p.start_us, p.root_key::varchar as root_key, w.input, w.input_key, w.output, w.output_key,
       (select count(*) from matching) as total
from page p join trace_summaries t on t.trace_id = p.trace_id
left join words w on w.trace_id = p.trace_id
where t.project_id = $project_id
order by p.sort_key desc, p.start_us desc, p.root_key desc
