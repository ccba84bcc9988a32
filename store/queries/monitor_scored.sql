-- Scores of the targets of `monitor_targets` that the filters keep, oldest first, at most some `$most` of each name, by the hashes of trace or session. What
-- tells a target apart is what does its call; of a trace or session its first call that the filters keep. `total`: all such scores of the name and ruler.
with targets as materialized (
    select * from /* part monitor_targets */ every
), kept as materialized (
    select * from (with scored as not materialized (select * from targets) select * from /* part monitor_sliced */ sliced) own
), counted as (
    select name, ruler, count(*) as total, sum(count(*)) over (partition by name) as held from kept group by name, ruler
), scored as materialized (
    select k.*, c.total from kept k join counted c on c.name = k.name and c.ruler = k.ruler
    where coalesce(hash(k.trace_id), hash('session', k.session_id))::double < 18446744073709551616.0::double * $most / c.held
), called as materialized (
    select trace_id, span_id, session_id, start_time, {service: service, environment: environment, model: model, provider: provider, release: release,
           prompt: prompt, variant: variant, tool: tool_name, tags: nullif(array_to_string(list_sort(tags), ', '), '')} as told
    from /* part calls_kept until=beyond */ kept_calls where trace_id in /* part monitor_traces */
), of_traces as (
    select trace_id, arg_min(told, (start_time, span_id)) as told from called group by trace_id
), of_sessions as (
    select session_id, arg_min(told, (start_time, trace_id, span_id)) as told from called where session_id is not null group by session_id
), owners as (
    select trace_id, session_id, user_id from trace_summaries where project_id = $project_id and trace_id in (select trace_id from scored)
), together as (
    select p.* exclude (session_id), p.session_id as scored_session, coalesce(p.session_id, o.session_id) as session_id, o.user_id,
           coalesce(c.told, t.told, s.told) as told
    from scored p
    left join called c on p.of_call and c.trace_id = p.trace_id and c.span_id = p.span_id
    left join of_traces t on not p.of_call and t.trace_id = p.trace_id
    left join of_sessions s on s.session_id = p.session_id
    left join owners o on o.trace_id = p.trace_id
)
select name, ruler, of_person, /* part compare_cluster */ as cluster, trace_id::varchar as trace_id, printf('%016x', span_id) as span_id,
       scored_session as session_id, began as start_time, failed, amount, label, scale, given, total,
       told.service as service, told.environment as environment, told.model as model, told.provider as provider, told.release as release,
       told.prompt as prompt, told.variant as variant, told.tool as tool, told.tags as tags
from together
order by name, began, trace_id, span_id, ruler
