-- The newest looks of a monitor, as it is set now, that ended before $until, oldest first.
select ended_at as "at", value, expected, low, high, n, effect, p, p_adjusted, counts, state, note
from (
    select * from monitor_looks where project_id = $project_id and monitor_id = $monitor::uuid and ended_at <= $until
    and version >= coalesce((select basis from monitors where monitors.monitor_id = monitor_looks.monitor_id), 1)
    order by ended_at desc limit $most
) told
order by ended_at
