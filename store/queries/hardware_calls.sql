-- One row per call that a price entry among `$versions` prices, in no order: by which entry (1 is the first), whose, when, how long.
select list_position($versions::varchar[], price_version)::smallint as entry, coalesce(response_model, request_model) as model,
       epoch_us(start_time) as start_us, duration_ns, failed
from /* part calls_kept */ kept
where price_source = 'own' and list_contains($versions::varchar[], price_version) and cost_usd is not null and duration_ns >= 0
