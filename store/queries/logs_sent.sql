-- One row per log record, as it was received, of the traces of the list `$traces`, in order of (time, log_id), after the given one (null: from the first on):
-- at most `$most`, and of bodies of `$bytes` or a single one; `more` follow.
with page as materialized (
    select rowid as place, time, log_id, coalesce(strlen(body), 0) as size
    from logs
    where project_id = $project_id and trace_id in (select unnest($traces::uuid[]))
      and ($after_us::bigint is null or (epoch_us(time), log_id) > ($after_us::bigint, $after_log::ubigint))
    order by time, log_id
    limit $most
), fitting as materialized (
    select place from (select place, size, sum(size) over (order by time, log_id rows unbounded preceding) as upto from page)
    where upto <= $bytes or upto = size
)
select log_id, trace_id, span_id, epoch_us(time) as time_us, severity, severity_text, event_name, origin_id, body, flags, dropped_attributes, attributes,
       (select count(*) from fitting) < (select count(*) from page) or (select count(*) from page) = $most as more
from logs
where project_id = $project_id and rowid in (select place from fitting)
order by time, log_id
