-- One page of the users of traces that started in [since, until) and meet every filter given (null: any), in the order of `sort`: active (newest trace
-- first), traces, cost (unknown last), errors. `find`: part of the id, whatever the case. Keyset paging as in `sessions`, by (sort_key, user_id).
with keyed as (
    select user_id,
           case $sort when 'traces' then count(*)
                      when 'cost' then coalesce(sum(try_cast(cost_usd * 1e9 as bigint))::bigint, -1)
                      when 'errors' then sum(errors)::bigint
                      else max(epoch_us(start_time)) end as sort_key
    from /* part users_traces */ chosen group by user_id
), page as (
    select user_id, sort_key, case when $backward then -1 else 1 end as sign
    from keyed
    where $after_sort::bigint is null
       or (not $backward and (sort_key, user_id) < ($after_sort::bigint, $after_user::varchar))
       or ($backward and (sort_key, user_id) > ($after_sort::bigint, $after_user::varchar))
    order by sort_key * sign desc, case when $backward then user_id end, user_id desc
    limit $page_size
), totals as (
    select user_id, count(distinct session_id) as sessions, count(*) as traces, count(*) filter (where status = 'error') as failed,
           sum(errors)::bigint as errors, min(start_time) as first_start, max(start_time) as last_start,
           sum(model_calls_ok)::bigint as model_calls_ok, sum(model_calls_failed)::bigint as model_calls_failed,
           sum(input_tokens)::bigint as input_tokens, sum(output_tokens)::bigint as output_tokens,
           sum(unknown_usage_calls)::bigint as unknown_usage_calls, coalesce(sum(half_told_calls), 0)::bigint as half_told_calls,
           sum(cost_usd) as cost_usd, coalesce(sum(unpriced_calls), 0)::bigint as unpriced_calls, sum(reported_cost_usd) as reported_cost_usd,
           quantile_cont(duration_ns, 0.95)::bigint as p95_ns, coalesce(bool_or(sample), false) as sample
    from /* part users_traces */ chosen where user_id in (select user_id from page) group by user_id
)
select t.*, p.sort_key, (select count(*) from keyed) as total
from page p join totals t on t.user_id = p.user_id
order by p.sort_key desc, p.user_id desc
