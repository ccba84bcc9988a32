-- Why the calls of the traces with the lowest hashes ended, `$share` of all, oldest first; null: not told.
with picked as materialized (
    select trace_id, span_id, start_time, failed, /* part compare_cluster */ as cluster, service, environment, model, provider, release, prompt, variant,
           tool_name as tool, nullif(array_to_string(list_sort(tags), ', '), '') as tags
    from /* part calls_kept */ kept
    where $share >= 1 or hash(trace_id)::double < $share * 18446744073709551616.0
), told as (
    select trace_id, span_id, finish_reason from spans
    where project_id = $project_id and start_time >= $since and start_time < $until and ($share >= 1 or hash(trace_id)::double < $share * 18446744073709551616.0)
), derived as (
    select trace_id, span_id, finish_reason from span_derived
    where project_id = $project_id and trace_id in (select trace_id from picked) and finish_reason is not null
)
select p.trace_id::varchar as trace_id, p.start_time, p.failed, coalesce(d.finish_reason, t.finish_reason) as finish_reason, p.cluster, p.service, p.environment,
       p.model, p.provider, p.release, p.prompt, p.variant, p.tool, p.tags
from picked p
left join told t on t.trace_id = p.trace_id and t.span_id = p.span_id
left join derived d on d.trace_id = p.trace_id and d.span_id = p.span_id
order by p.start_time, p.trace_id, p.span_id
