-- One page of the sessions of which a trace that started in [since, until) meets every filter given (null: any), in the order of `sort`: newest (by the
-- start of the last trace), longest, cost (unknown last), errors. All else is of the whole session, whenever its traces started. Keyset paging: rows
-- after the key (after_sort, after_session), or, with `backward`, the rows right before it; either way best first. `total` counts all.
with keyed as (  -- one pass over all traces: to find the sessions first takes twice as long for a month of them
    select session_id,
           case $sort when 'longest' then max(epoch_us(start_time) + duration_ns // 1000) - min(epoch_us(start_time))
                      when 'cost' then coalesce(sum(try_cast(cost_usd * 1e9 as bigint))::bigint, -1)
                      when 'errors' then sum(errors)::bigint
                      else max(epoch_us(start_time)) end as sort_key
    from trace_summaries
    where project_id = $project_id and session_id is not null
    group by session_id
    having bool_or(start_time >= $since and start_time < $until and /* part trace_conditions */)
), page as (
    select session_id, sort_key, case when $backward then -1 else 1 end as sign
    from keyed
    where $after_sort::bigint is null
       or (not $backward and (sort_key, session_id) < ($after_sort::bigint, $after_session::varchar))
       or ($backward and (sort_key, session_id) > ($after_sort::bigint, $after_session::varchar))
    order by sort_key * sign desc, case when $backward then session_id end, session_id desc
    limit $page_size
)
select t.*, p.sort_key, (select count(*) from keyed) as total
from page p join /* part session_totals */ t on t.session_id = p.session_id
order by p.sort_key desc, p.session_id desc
