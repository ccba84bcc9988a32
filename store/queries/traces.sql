-- One page of traces that started in [since, until) and match every filter given (null: any), in the order of `sort`:
-- newest, slowest, tokens (unknown last), errors. Keyset paging: rows after the key (after_sort, after_start_us, after_trace), or,
-- with `backward`, the rows right before it; either way the caller gets them best first. `total` counts all that match.
with matching as (
    select trace_id, epoch_us(start_time) as start_us,
           case $sort when 'slowest' then duration_ns
                      when 'tokens' then coalesce(input_tokens + output_tokens, input_tokens, output_tokens, -1)
                      when 'errors' then errors
                      else epoch_us(start_time) end as sort_key
    from trace_summaries
    where project_id = $project_id and start_time >= $since and start_time < $until
      and /* part trace_conditions */
), page as (
    select trace_id, sort_key, start_us, case when $backward then -1 else 1 end as sign
    from matching
    where $after_sort::bigint is null
       or (not $backward and (sort_key, start_us, trace_id) < ($after_sort::bigint, $after_start_us::bigint, $after_trace::uuid))
       or ($backward and (sort_key, start_us, trace_id) > ($after_sort::bigint, $after_start_us::bigint, $after_trace::uuid))
    order by sort_key * sign desc, start_us * sign desc, case when $backward then trace_id end, trace_id desc
    limit $page_size
)
select t.* exclude (id, root_span_id), p.sort_key, p.start_us, (select count(*) from matching) as total, t.root_span_id
from page p join /* part traces_shown */ t on t.id = p.trace_id
order by p.sort_key desc, p.start_us desc, p.trace_id desc
