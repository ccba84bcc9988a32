-- One row per call that a price entry among `$versions` prices, in no order: when, how long, and its slot, which is a number for the entry and the
-- model: `$width` slots an entry, of which the first is of unknown models, and the others are in the order of `$models`; without models an entry is one
-- slot, and no model is read. The two columns of which a model is made are looked at apart, as in `placed`.
select ((list_position($versions::varchar[], price_version) - 1) * $width
        + case when len($models::varchar[]) = 0 then 0
               else coalesce(case when response_model is not null then list_position($models::varchar[], response_model)
                                  else list_position($models::varchar[], request_model) end, 0) end)::usmallint as slot,
       epoch_us(start_time) as start_us, duration_ns, failed
from /* part calls_kept */ kept
where price_source = 'own' and list_contains($versions::varchar[], price_version) and cost_usd is not null and duration_ns >= 0
