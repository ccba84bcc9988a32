-- Uses of tools, spans of kind tool, of traces with a call that the filters keep, oldest first: at most some `$most`, of the traces with the lowest hashes.
-- `total`: all such uses in the window.
with chosen as not materialized (
    select trace_id, span_id, start_time, status = 'error' or error_type is not null as failed, coalesce(tool_name, name) as tool, service, environment,
           provider, release, prompt_name || coalesce('@' || prompt_version, '') as prompt, variant, tags
    from spans
    where project_id = $project_id and start_time >= $since and start_time < $until and kind = 'tool' and (/* part monitor_near */)
), counted as (
    select count(*) as total from chosen
), picked as materialized (
    select c.*, n.total from chosen c cross join counted n where hash(c.trace_id)::double < 18446744073709551616.0::double * $most / n.total
), owners as (
    select trace_id, session_id, user_id from trace_summaries where project_id = $project_id and trace_id in (select trace_id from picked)
)
select p.trace_id::varchar as trace_id, p.start_time, p.failed, p.total, p.tool,
       case when o.session_id is not null then hash('session', o.session_id) when o.user_id is not null then hash('user', o.user_id)
            else hash(p.trace_id) end as cluster,
       p.service, p.environment, null::varchar as model, p.provider, p.release, p.prompt, p.variant, nullif(array_to_string(list_sort(p.tags), ', '), '') as tags
from picked p left join owners o on o.trace_id = p.trace_id
order by p.start_time, p.trace_id, p.span_id
