-- One row per signal, and a last one over all (signal null): the ledger of all time against the tables themselves. `balanced`: received equals
-- stored + duplicate + rejected, and stored equals the rows that are there (`rows`; null: the signal has no table). Scores from outside are not
-- telemetry and are not in the books; their entries only carry the watermark.
with sums as (
    select signal, coalesce(sum(received), 0)::bigint as received, coalesce(sum(stored), 0)::bigint as stored,
           coalesce(sum(duplicate), 0)::bigint as duplicate, coalesce(sum(rejected), 0)::bigint as rejected
    from ledger_entries
    where project_id = $project_id
    group by grouping sets ((signal), ())
    having signal is null or sum(received) + sum(stored) + sum(duplicate) + sum(rejected) > 0
), counted as (
    select 'traces' as signal, count(*) as rows from spans where project_id = $project_id
    union all
    select 'logs', count(*) from logs where project_id = $project_id
), told as (
    select coalesce(s.signal, '') as signal, s.received, s.stored, s.duplicate, s.rejected,
           case when s.signal is null then (select sum(rows)::bigint from counted) else c.rows end as rows
    from sums s left join counted c on c.signal = s.signal
)
select nullif(signal, '') as signal, received, stored, duplicate, rejected, rows,
       (select count(*) from refused_requests where project_id = $project_id or project_id is null) as refused_requests,
       received = stored + duplicate + rejected and stored = coalesce(rows, 0) as balanced
from told
order by signal = '', signal
