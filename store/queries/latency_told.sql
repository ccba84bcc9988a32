-- Rows of `latency_measured` with an amount. That a plain column is told is asked of the column, before all of its rows are cast: a third of the
-- time of asking it of `amount`. A part of other queries.
select *, /* part latency_amount */ as amount
from /* part calls_kept */ kept
where not failed
  and case $measure when 'duration' then duration_ns is not null when 'ttft' then ttft_ns is not null else /* part latency_amount */ is not null end
