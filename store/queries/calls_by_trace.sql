-- The calls that the filters keep, added up by trace and `value` (see `calls_told`). A trace lies in the window with all calls, and is one row of
-- `trace_calls` mostly, which needs no grouping; or an edge of the window cuts it, and it is read call by call: those cut by the beginning have
-- calls before `$head_until`, those cut by the end from `$tail_since` on. `tags` counts them. A part of other queries.
with matching as not materialized (
    select * from trace_calls
    where project_id = $project_id and first_start >= $since and first_start < $until and last_start < $until
      and /* part call_filters */
), told as not materialized (
    select * from /* part told_apart */ apart
), cut as materialized (
    select distinct trace_id from trace_calls
    where project_id = $project_id and first_start < $until and last_start >= $since and (first_start < $since or last_start >= $until)
), pieces as (
    select * from /* part calls_kept until=head_until */ head where trace_id in (select trace_id from cut)
    union all
    select * from /* part calls_kept since=tail_since */ tail where trace_id in (select trace_id from cut)
)
select value, trace_id, session_id, user_id, len(tags) as tags, priced, unpriced, cost_usd, compared, compared_reported_usd, compared_computed_usd
from told where alone
union all
select value, trace_id, any_value(session_id), any_value(user_id), any_value(tags), sum(priced)::bigint, sum(unpriced)::bigint, sum(cost_usd), sum(compared)::bigint,
       sum(compared_reported_usd), sum(compared_computed_usd)
from (
    select value, trace_id, session_id, user_id, len(tags) as tags, priced, unpriced, cost_usd, compared, compared_reported_usd, compared_computed_usd
    from told where not alone
    union all
    select value, trace_id, session_id, user_id, len(tags), (cost_usd is not null)::bigint,
           (cost_usd is null and not (failed and input_tokens is null and output_tokens is null))::bigint, cost_usd,
           (reported_cost_usd is not null and cost_usd is not null)::bigint, case when cost_usd is not null then reported_cost_usd end,
           case when reported_cost_usd is not null then cost_usd end
    from pieces
) several
group by value, trace_id
