-- One row per test, trace and arm that it says to be of (column `label`): traces that started in the test's window. `unit` is a hash, as text would take
-- twice the time (two of a million units share one with a chance of 1 in 40 million); null where the trace does not tell it. Of one test, or of several in
-- lists of equal length: number, label, what its units are, window. `since` and `until` are around all windows. A part of other queries.
with told as (
    select trace_id, session_id, user_id, start_time, status, duration_ns, cost_usd, unpriced_calls,
           unnest(list_distinct(list_filter(variants, lambda one: list_contains($labels::varchar[], one)))) as label
    from trace_summaries
    where project_id = $project_id and start_time >= $since and start_time < $until and list_has_any(variants, $labels::varchar[])
), arms as (
    select unnest($tests::usmallint[]) as test, unnest($labels::varchar[]) as label, unnest($units::varchar[]) as kind,
           unnest($sinces::timestamp[]) as since, unnest($untils::timestamp[]) as until
)
select a.test, t.trace_id, t.session_id, date_trunc('day', t.start_time)::date as day, t.status, t.duration_ns, t.cost_usd, t.unpriced_calls,
       case a.kind when 'user' then case when t.user_id is not null then hash(t.user_id) end
                   when 'session' then case when t.session_id is not null then hash(t.session_id) end else hash(t.trace_id) end as unit,
       t.label
from told t join arms a on a.label = t.label and t.start_time >= a.since and t.start_time < a.until
