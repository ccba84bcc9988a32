-- One row per other trace that may tell a call again: it has one of these response ids, on a span or, of its logs, on a derived row. An id
-- that more than `max_holders` others carry is a constant, no identity. Bounds, of spans: starts in [since, until).
with ids as (
    select unnest($ids::varchar[]) as response_id
), holders as (  -- by rowid first: the other columns are read for the few that match
    select rowid as id from spans
    where project_id = $project_id and start_time >= $since and start_time < $until and response_id in (select response_id from ids)
), others as (
    select trace_id, response_id from spans where rowid in (select id from holders) and usage_role = 'leaf'
    union all
    select trace_id, response_id from span_derived where project_id = $project_id and response_id in (select response_id from ids)
), by_id as (
    select unnest(list(distinct trace_id)) as trace_id
    from others
    where trace_id not in (select unnest($traces::uuid[]))
    group by response_id
    having count(*) <= $max_holders
)
select distinct trace_id::varchar as trace_id from by_id
