-- Calls of every usage role, started in [since, until), that match every filter, with `value` as in `told_apart`. A part of other queries.
with chosen as not materialized (
    select * from calls where project_id = $project_id and start_time >= $since and start_time < $until
)
select * from /* part calls_matching */ told
