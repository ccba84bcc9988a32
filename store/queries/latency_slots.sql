-- `latency_series` with its slots counted from `$first` on, as numbers of 16 bits: a quarter of the room, and no pass to find which there are.
select (slot - $first)::usmallint as slot, amount from /* part latency_series */ calls
