-- Of the traces that started in [since, until) and meet every filter (null: any), their model calls, or their sessions, as `$unit` says, those with the lowest
-- hashes of id and `$seed`: of each stratum at most `$pool` by the number of strata. `total`: how many the stratum has; `place`: the order of the draw.
-- A session is told by its newest trace. No text is looked at.
with held as not materialized (
    select * from /* part queue_held */ kept
), units as not materialized (
    select trace_id, null::ubigint as span_id, null::varchar as session, start_time, duration_ns, service, environment, release,
           case when len(models) = 1 then models[1] end as model, case when len(prompts) = 1 then prompts[1] end as prompt,
           case when len(variants) = 1 then variants[1] end as variant
    from held where $unit = 'trace'
    union all
    select c.trace_id, c.span_id, null, c.start_time, c.duration_ns, c.service, c.environment, c.release, coalesce(c.response_model, c.request_model),
           c.prompt_name || coalesce('@' || c.prompt_version, ''), c.variant
    from calls c
    where $unit = 'call' and c.project_id = $project_id and c.usage_role = 'leaf' and c.kind = 'llm' and c.start_time >= $since
      and c.trace_id in (select trace_id from held)
    union all
    select arg_max(trace_id, (start_time, trace_id)), null, session_id, max(start_time), sum(duration_ns)::bigint, min(service), min(environment),
           max(release), null, null, null
    from held where $unit = 'session' and session_id is not null group by session_id
), strata as not materialized (
    select *, /* part queue_stratum */ as stratum,
           case when session is null then hash(trace_id, span_id, $seed::bigint) else hash(session, $seed::bigint) end as drawn
    from units
), counted as (
    select stratum, count(*) as total from strata group by stratum
), quotas as (
    select stratum, total, greatest($pool // (select count(*) from counted), 1) as most from counted
), near as (
    -- Only hashes that are low enough to be taken are put in order: of a million rows a few hundred.
    select s.*, q.total, q.most from strata s join quotas q on s.stratum is not distinct from q.stratum
    where s.drawn::double < (3.0 * q.most + 100) / q.total * 18446744073709551616.0
), ranked as (
    select *, row_number() over (partition by stratum order by drawn, trace_id, span_id) as rank from near
)
select trace_id::varchar as trace_id, printf('%016x', span_id) as span_id, session as session_id, epoch_us(start_time) as start_us, stratum, total,
       row_number() over (order by drawn, trace_id, span_id) as place
from ranked where rank <= most
order by place
limit $pool
