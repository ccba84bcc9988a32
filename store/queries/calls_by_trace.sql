-- The calls that the filters keep, added up by trace and `value` (see `calls_told`). A trace lies in the window with all calls, and is one row of
-- `trace_calls` mostly, which needs no grouping; or an edge of the window cuts it, and it is read call by call. `tags` counts them. A part of other
-- queries.
with matching as not materialized (
    select * from /* part traces_whole */ whole
), told as not materialized (
    select * from /* part told_apart */ apart
), pieces as (
    select * from /* part calls_cut */ cut
)
select value, trace_id, session_id, user_id, len(tags) as tags, calls, failed, priced, unpriced, cost_usd, cost_pico, input_tokens, output_tokens,
       cache_read_tokens, cache_told_input_tokens, told, told_usd, compared, compared_reported_usd, compared_computed_usd
from told where alone
union all
select value, trace_id, any_value(session_id), any_value(user_id), any_value(tags), sum(calls)::bigint, sum(failed)::bigint, sum(priced)::bigint,
       sum(unpriced)::bigint, sum(cost_usd), sum(cost_pico), sum(input_tokens), sum(output_tokens), sum(cache_read_tokens),
       sum(cache_told_input_tokens), sum(told)::bigint, sum(told_usd), sum(compared)::bigint, sum(compared_reported_usd), sum(compared_computed_usd)
from (
    select value, trace_id, session_id, user_id, len(tags) as tags, calls, failed, priced, unpriced, cost_usd, cost_pico, input_tokens,
           output_tokens, cache_read_tokens, cache_told_input_tokens, told, told_usd, compared, compared_reported_usd, compared_computed_usd
    from told where not alone
    union all
    select value, trace_id, session_id, user_id, len(tags), 1, failed::bigint, (cost_usd is not null)::bigint,
           (cost_usd is null and not (failed and input_tokens is null and output_tokens is null))::bigint, cost_usd,
           try_cast(cost_usd * 1e12 as hugeint), input_tokens, output_tokens, cache_read_tokens,
           case when cache_read_tokens is not null then input_tokens end, (output_tokens is not null)::bigint,
           case when output_tokens is not null then cost_usd end,
           (reported_cost_usd is not null and cost_usd is not null)::bigint, case when cost_usd is not null then reported_cost_usd end,
           case when reported_cost_usd is not null then cost_usd end
    from pieces
) several
group by value, trace_id
