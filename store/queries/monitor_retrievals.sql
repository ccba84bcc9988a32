-- Spans of kind retriever drawn from each bucket of `$bucket_us` microseconds (null: all are one), as `monitor_drawn` draws them, oldest first, of traces with
-- a call that the filters keep. `total`: such spans of the bucket. `documents`: how many were found; null: it failed, or they are not told. `amount`: mean
-- score of those that have one.
with chosen as not materialized (
    select case when $bucket_us::bigint is null then 0 else epoch_us(start_time) // $bucket_us end as bucket, epoch_us(start_time) // $cell_us as cell,
           trace_id, span_id, start_time
    from spans
    where project_id = $project_id and start_time >= $since and start_time < $until and kind = 'retriever' and (/* part monitor_near */)
), picked as materialized (
    select * from /* part monitor_drawn */ drawn
), found as materialized (
    select trace_id, span_id, status = 'error' or error_type is not null as failed, documents, output, normaliser_version, service, environment, provider,
           release, prompt_name || coalesce('@' || prompt_version, '') as prompt, variant, tool_name, tags
    from spans
    where rowid in (
        select s.rowid from spans s join picked p on p.trace_id = s.trace_id and p.span_id = s.span_id
        where s.project_id = $project_id and s.start_time >= $since and s.start_time < $until and s.kind = 'retriever'
    )
), owners as (
    select trace_id, session_id, user_id from trace_summaries where project_id = $project_id and trace_id in (select trace_id from picked)
)
select case when $bucket_us::bigint is not null then make_timestamp(p.bucket * $bucket_us) end as bucket, p.total, p.trace_id::varchar as trace_id, p.start_time,
       f.failed, case when f.failed then null when f.documents is not null then json_array_length(f.documents)
                      when regexp_matches(f.output, $nothing) then 0 end as documents,
       case when not f.failed then list_avg(try_cast(json_extract(f.documents, '$[*].score') as double[])) end as amount, f.normaliser_version,
       case when o.session_id is not null then hash('session', o.session_id) when o.user_id is not null then hash('user', o.user_id)
            else hash(p.trace_id) end as cluster,
       f.service, f.environment, null::varchar as model, f.provider, f.release, f.prompt, f.variant, f.tool_name as tool,
       nullif(array_to_string(list_sort(f.tags), ', '), '') as tags
from picked p
join found f on f.trace_id = p.trace_id and f.span_id = p.span_id
left join owners o on o.trace_id = p.trace_id
order by p.start_time, p.trace_id, p.span_id
