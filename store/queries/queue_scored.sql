-- What evaluators said, by the scores `$names`, of targets whose traces started in [since, until) and meet every filter (null: any): a row per target, name and
-- evaluator, the newest of each. Targets of which one row meets the bounds (null: any), and with `$apart` those of which evaluators decided otherwise; of these
-- those with the lowest hashes of id and `$seed`, of each stratum at most `$pool` by the number of strata. `total`: targets that the stratum has.
with named as (
    select unnest($names::varchar[]) as name, unnest($thresholds::double[]) as threshold
), newest as (
    select trace_id, span_id, session_id, name, evaluator,
           arg_max({version: evaluator_version, value: value, label: label, error_type: error_type, metadata: metadata}, (commit_seq, time, score_id)) as said
    from scores
    where project_id = $project_id and name in (select name from named) and source not in ('human', 'user') and response_id is null
      and ($evaluators::varchar[] is null or list_contains($evaluators::varchar[], evaluator))
    group by trace_id, span_id, session_id, name, evaluator
), told as (
    select w.trace_id, w.span_id, w.session_id, w.name, w.evaluator, w.said.version as evaluator_version, w.said.value as value, w.said.label as label,
           w.said.error_type as error_type, w.said.metadata['confidence'] as confidence, w.said.metadata['scale'] as scale, n.threshold,
           case when w.said.error_type is not null then null when w.said.value is not null then (w.said.value >= n.threshold)::varchar
                else w.said.label end as verdict
    from newest w join named n on n.name = w.name
), met as (
    select trace_id, span_id, session_id from told group by trace_id, span_id, session_id
    having bool_or(coalesce(($at_least::double is null or value >= $at_least) and ($at_most::double is null or value <= $at_most)
                            and ($label::varchar is null or label = $label) and ($failed::boolean is null or (error_type is not null) = $failed), false))
       and (not $apart or count(distinct verdict) > 1)
), held as (
    select * from /* part queue_held */ kept
), units as (
    select m.trace_id, m.span_id, null::varchar as session, h.start_time, h.service, h.environment, h.release,
           case when len(h.models) = 1 then h.models[1] end as model, case when len(h.prompts) = 1 then h.prompts[1] end as prompt,
           case when len(h.variants) = 1 then h.variants[1] end as variant
    from met m join held h on h.trace_id = m.trace_id where m.session_id is null
    union all
    select s.newest, null, m.session_id, s.start_time, s.service, s.environment, s.release, null, null, null
    from met m join (
        select session_id, arg_max(trace_id, (start_time, trace_id)) as newest, max(start_time) as start_time, min(service) as service,
               min(environment) as environment, max(release) as release
        from held where session_id is not null group by session_id
    ) s on s.session_id = m.session_id
), strata as (
    select *, /* part queue_stratum */ as stratum, hash(coalesce(session, trace_id::varchar), span_id, $seed::bigint) as drawn from units
), ranked as (
    select *, row_number() over (partition by stratum order by drawn, trace_id, span_id) as rank, count(*) over (partition by stratum) as total
    from strata
), picked as (
    select *, row_number() over (order by drawn, trace_id, span_id) as place
    from ranked where rank <= greatest($pool // (select count(distinct coalesce(stratum, '')) from strata), 1)
)
select p.trace_id::varchar as trace_id, printf('%016x', p.span_id) as span_id, p.session as session_id, epoch_us(p.start_time) as start_us, p.stratum, p.total,
       p.place, t.name, t.evaluator, t.evaluator_version, t.value, t.label, t.error_type, t.confidence, t.scale
from picked p
join told t on case when p.session is null then t.trace_id = p.trace_id and t.span_id is not distinct from p.span_id else t.session_id = p.session end
where p.place <= $pool
order by p.place, t.name, t.evaluator
