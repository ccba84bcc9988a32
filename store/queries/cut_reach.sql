-- One row: how long the longest trace of `traces_cut` is, from its first call to its last, in microseconds; 0 without one.
select coalesce(max(epoch_us(last_start) - epoch_us(first_start)), 0) as reach_us from /* part traces_cut */ cut
