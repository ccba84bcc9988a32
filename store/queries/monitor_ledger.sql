-- Spans and logs that came in each hour of [since, until), oldest first, and those of them that were rejected. `$service` null: any.
select hour as bucket, sum(received)::bigint as received, sum(rejected)::bigint as rejected
from ledger_entries
where project_id = $project_id and hour >= $since and hour < $until and signal in ('traces', 'logs')
  and ($service::varchar is null or service = $service)
group by hour
order by hour
