-- What adds up to the calls that the filters keep: rows of `call_sums` for quarters of an hour in [summed_since, summed_until) that are not among
-- `$stale`, and calls one by one for all other time; columns as in `calls_counted`. `start_time` of sums is the quarter's. Each piece of time has
-- a scan of its own, since one with an `or` reads all; what is worked out of them stands once, since planning it takes most of the time. Sums know
-- no trace, session, user or tag: who asks for one, or for a score, gives no time to sum.
with chosen as not materialized (
    select * from calls where project_id = $project_id and start_time >= $since and start_time < $summed_since
    union all
    select * from calls where project_id = $project_id and start_time >= $summed_until and start_time < $until
    union all
    select * from calls where project_id = $project_id and start_time >= $stale_since and start_time < $stale_until
                          and make_timestamp(epoch_us(start_time) // 900000000 * 900000000) in (select unnest($stale::timestamp[]))
), matching as not materialized (
    select * from (select *, null::uuid as trace_id, null::varchar as session_id, null::varchar as user_id, []::varchar[] as tags, null::varchar as own_version from call_sums) known
    where project_id = $project_id and quarter >= $summed_since and quarter < $summed_until
      and quarter not in (select unnest($stale::timestamp[])) and /* part call_filters */
)
select * from /* part calls_counted */ counted
union all
select quarter, value, * exclude (project_id, quarter, trace_id, session_id, user_id, tags, own_version, value) from /* part told_apart */ sums
