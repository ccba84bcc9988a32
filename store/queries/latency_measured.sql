-- Calls of `calls_kept` with `amount`: what $measure says of the call. Null: unknown, not computable, or the call failed.
select *, case when failed then null else /* part latency_amount */ end as amount
from /* part calls_kept */ kept
