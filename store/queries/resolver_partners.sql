-- One row per other trace that may tell a call of these traces again: it has a response id of theirs. An id that more than
-- `max_holders` others carry is a constant, no identity. Bounds: starts in [since, until).
with mine as (
    select rowid as id from spans where project_id = $project_id and trace_id in (select unnest($traces::uuid[]))
), ids as (
    select distinct response_id from spans where rowid in (select id from mine) and response_id is not null and usage_role = 'leaf'
), holders as (  -- by rowid first: the other columns are read for the few that match
    select rowid as id from spans
    where project_id = $project_id and start_time >= $since and start_time < $until and response_id in (select response_id from ids)
), others as (
    select trace_id, response_id from spans
    where rowid in (select id from holders) and usage_role = 'leaf' and trace_id not in (select unnest($traces::uuid[]))
), by_id as (
    select unnest(list(distinct trace_id)) as trace_id from others group by response_id having count(*) <= $max_holders
)
select distinct trace_id::varchar as trace_id from by_id
