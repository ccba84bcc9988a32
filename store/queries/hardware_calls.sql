-- One row per call that a price entry among `$versions` prices, in no order: when, how long, and its slot.
select /* part hardware_slot */::usmallint as slot,
       epoch_us(start_time) as start_us, duration_ns, failed
from /* part calls_kept */ kept
where price_source = 'own' and list_contains($versions::varchar[], price_version) and cost_usd is not null and duration_ns >= 0
