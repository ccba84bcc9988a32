-- Calls drawn with their texts from each bucket of `$bucket_us` microseconds (null: all are one), as `monitor_drawn` draws them, oldest first. `total`: calls
-- that the bucket has. Lengths are of the texts as the span has them, or its logs. `$input`, `$output`, `$lengths`: whether these are told, as only what is
-- asked for is unpacked.
with chosen as not materialized (
    select case when $bucket_us::bigint is null then 0 else epoch_us(start_time) // $bucket_us end as bucket, epoch_us(start_time) // $cell_us as cell,
           trace_id, span_id, start_time, failed, service, environment, model, provider, release, prompt, variant, tool_name, tags, session_id, user_id
    from /* part calls_kept */ kept
), picked as materialized (
    select bucket, total, trace_id, span_id, start_time, failed, service, environment, model, provider, release, prompt, variant, tool_name, tags,
           /* part compare_cluster */ as cluster
    from /* part monitor_drawn */ drawn
), spoken as materialized (
    -- By the number of the row: as a filter of the outer scan it spares unpacking the texts of all spans.
    select trace_id, span_id, case when $input or $lengths then input end as input, input_key, case when $output or $lengths then output end as output,
           output_key, finish_reason, normaliser_version
    from spans
    where rowid in (
        select s.rowid from spans s join picked p on p.trace_id = s.trace_id and p.span_id = s.span_id
        where s.project_id = $project_id and s.start_time >= $since and s.start_time < $until
    )
), told as (
    select trace_id, span_id, input, output, finish_reason from span_derived where project_id = $project_id and trace_id in (select trace_id from picked)
)
select case when $bucket_us::bigint is not null then make_timestamp(p.bucket * $bucket_us) end as bucket, p.total, p.trace_id::varchar as trace_id, p.start_time,
       p.failed, coalesce(d.finish_reason, s.finish_reason) as finish_reason, case when $lengths then length(coalesce(d.input, s.input)) end as input_length,
       case when $lengths then length(coalesce(d.output, s.output)) end as output_length, case when $input then coalesce(d.input, s.input) end as input,
       case when $input and d.input is null then s.input_key end as input_key, case when $output then coalesce(d.output, s.output) end as output,
       case when $output and d.output is null then s.output_key end as output_key, s.normaliser_version, p.cluster, p.service, p.environment, p.model,
       p.provider, p.release, p.prompt, p.variant, p.tool_name as tool, nullif(array_to_string(list_sort(p.tags), ', '), '') as tags
from picked p
left join spoken s on s.trace_id = p.trace_id and s.span_id = p.span_id
left join told d on d.trace_id = p.trace_id and d.span_id = p.span_id
order by p.start_time, p.trace_id, p.span_id
