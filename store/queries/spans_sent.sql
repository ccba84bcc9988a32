-- One row per span as it was received, of the traces of the list `$traces`, in order of (trace_id, start, span_id), after the given one (null: from the first on):
-- at most `$most`, and of texts of `$bytes` or a single one; `more` follow. They start within [since_us, until_us].
with page as materialized (
    select rowid as place, trace_id, start_time, span_id, coalesce(strlen(input), 0) + coalesce(strlen(output), 0) as size
    from spans
    where project_id = $project_id and start_time >= make_timestamp($since_us) and start_time <= make_timestamp($until_us)
      and trace_id in (select unnest($traces::uuid[]))
      and ($after_trace::uuid is null or trace_id > $after_trace::uuid
           or (trace_id = $after_trace::uuid and (epoch_us(start_time), span_id) > ($after_us::bigint, $after_span::ubigint)))
    order by trace_id, start_time, span_id
    limit $most
), fitting as materialized (
    select place from (select place, size, sum(size) over (order by trace_id, start_time, span_id rows unbounded preceding) as upto from page)
    where upto <= $bytes or upto = size
)
select trace_id, span_id, parent_span_id, name, span_kind, epoch_us(start_time) as start_us, duration_ns, status, status_message, trace_state, flags,
       dropped_attributes, dropped_events, dropped_links, origin_id, input, input_key, output, output_key, attributes, events, links,
       (select count(*) from fitting) < (select count(*) from page) or (select count(*) from page) = $most as more
from spans
where project_id = $project_id and start_time >= make_timestamp($since_us) and start_time <= make_timestamp($until_us)
  and rowid in (select place from fitting)
order by trace_id, start_time, span_id
