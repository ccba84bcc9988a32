-- One row per account (hour of receipt, source, service, signal), of the hours that [since, until) touches, newest hour first. received = stored + duplicate + rejected;
-- `reasons` maps each reason of rejection to its count.
with chosen as (
    select * from ledger_entries where project_id = $project_id and hour >= date_trunc('hour', $since::timestamp) and hour < $until
), reasons as (
    select hour, source, service, signal, reason, sum(rejected)::bigint as rejected
    from chosen where reason is not null
    group by hour, source, service, signal, reason
), told as (
    select hour, source, service, signal, map_from_entries(list((reason, rejected) order by reason)) as reasons
    from reasons
    group by hour, source, service, signal
), sums as (
    select hour, source, service, signal, sum(received)::bigint as received, sum(stored)::bigint as stored,
           sum(duplicate)::bigint as duplicate, sum(rejected)::bigint as rejected
    from chosen
    group by hour, source, service, signal
)
select s.hour, s.source, s.service, s.signal, s.received, s.stored, s.duplicate, s.rejected,
       coalesce(t.reasons, map([]::varchar[], []::bigint[])) as reasons
from sums s
left join told t on t.hour = s.hour and t.source = s.source and t.service = s.service and t.signal = s.signal
where s.received + s.stored + s.duplicate + s.rejected > 0
order by s.hour desc, s.source, s.service, s.signal
limit $max_rows
