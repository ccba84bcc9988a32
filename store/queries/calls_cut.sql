-- Calls that the filters keep, of traces that an edge of the window cuts, so that they are no row of `traces_whole`: those cut by the beginning have
-- calls before `$head_until`, those cut by the end from `$tail_since` on. A part of other queries.
with cut as materialized (
    select distinct trace_id from trace_calls
    where project_id = $project_id and first_start < $until and last_start >= $since and (first_start < $since or last_start >= $until)
)
select * from /* part calls_kept until=head_until */ head where trace_id in (select trace_id from cut)
union all
select * from /* part calls_kept since=tail_since */ tail where trace_id in (select trace_id from cut)
