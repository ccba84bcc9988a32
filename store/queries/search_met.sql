-- One row per trace that meets the condition `$met`, newest first, at most `$most`. Looked at are those from ($found_last_us, $first_trace)
-- down to ($found_since_us, $last_trace), starts and ids, that meet every filter. Their spans start within [found_since_us, found_until_us], constants by which most of
-- the table is passed over. By `found_places` few traces that lie scattered unpack no text but theirs (60 over a month of 10 million spans: 0.3 s of CPU in place of 6).
with found_traces as materialized (
    select trace_id from trace_summaries
    where project_id = $project_id and start_time >= make_timestamp($found_since_us) and start_time <= make_timestamp($found_last_us)
      and (start_time > make_timestamp($found_since_us) or trace_id >= $last_trace::uuid)
      and (start_time < make_timestamp($found_last_us) or trace_id <= $first_trace::uuid)
      and /* part trace_conditions */
), found_places as materialized (
    select rowid as place from spans
    where project_id = $project_id and start_time >= make_timestamp($found_since_us) and start_time <= make_timestamp($found_until_us)
      and trace_id in (select trace_id from found_traces)
), found_derived as (
    select * from span_derived where project_id = $project_id and trace_id in (select trace_id from found_traces)
), found_calls as (
    select trace_id, span_id, cost_usd from calls
    where project_id = $project_id and start_time >= make_timestamp($found_since_us) and start_time <= make_timestamp($found_until_us)
      and trace_id in (select trace_id from found_traces)
)
select trace_id, epoch_us(start_time) as start_us, duration_ns // 1000 + 1 as length_us from trace_summaries
where project_id = $project_id and start_time >= make_timestamp($found_since_us) and start_time <= make_timestamp($found_last_us)
  and trace_id in (select trace_id from found_traces) and $met
order by start_time desc, trace_id desc
limit $most
