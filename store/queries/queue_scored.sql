-- What evaluators said, by the scores `$names`, of targets whose traces started in [since, until) and meet every filter (null: any): a row per target, name and
-- evaluator, the newest of each. Targets of which one row meets the bounds (null: any), and with `$apart` those of which evaluators decided otherwise; of these
-- those with the lowest hashes of id and `$seed`, of each stratum at most `$pool` by the number of strata. `total`: targets that the stratum has. Where more than
-- `$rows` scores meet the bounds, only targets whose hashes are low enough for so many are looked at, `looked` of all, and `total` is worked out from them.
with named as (
    select unnest($names::varchar[]) as name, unnest($thresholds::double[]) as threshold
), held as materialized (
    select * from /* part queue_held */ kept
), mine as not materialized (
    select trace_id, span_id, session_id, name, evaluator, evaluator_version, value, label, error_type, metadata, (commit_seq, time, score_id) as given,
           case when session_id is null then hash(trace_id, span_id, $seed::bigint) else hash(session_id, $seed::bigint) end as drawn,
           ($at_least::double is null or value >= $at_least) and ($at_most::double is null or value <= $at_most) and ($label::varchar is null or label = $label)
           and ($failed::boolean is null or (error_type is not null) = $failed) as meets
    from scores
    where project_id = $project_id and list_contains($names::varchar[], name) and source not in ('human', 'user') and response_id is null
      and ($evaluators::varchar[] is null or list_contains($evaluators::varchar[], evaluator))
      and (trace_id in (select trace_id from held) or session_id in (select session_id from held where session_id is not null))
), looked as (
    select least($rows / greatest(count(*), 1), 1.0) as share from mine where meets
), low as materialized (
    -- A target that has such a row may meet the bounds; which of its rows are the newest is seen only of these.
    select distinct drawn from mine where meets and drawn::double <= (select share from looked) * 18446744073709551616.0
), newest as materialized (
    select trace_id, span_id, session_id, name, evaluator, max(drawn) as drawn,
           arg_max({version: evaluator_version, value: value, label: label, error_type: error_type, meets: meets,
                    confidence: metadata['confidence'], scale: metadata['scale']}, given) as said
    from mine where drawn in (select drawn from low)
    group by trace_id, span_id, session_id, name, evaluator
), told as (
    select w.trace_id, w.span_id, w.session_id, w.drawn, w.name, w.evaluator, w.said.version as evaluator_version, w.said.value as value,
           w.said.label as label, w.said.error_type as error_type, w.said.confidence as confidence, w.said.scale as scale, w.said.meets as meets,
           case when w.said.error_type is not null then null when w.said.value is not null then (w.said.value >= n.threshold)::varchar
                else w.said.label end as verdict
    from newest w join named n on n.name = w.name
), met as (
    select trace_id, span_id, session_id, max(drawn) as drawn from told group by trace_id, span_id, session_id
    having bool_or(coalesce(meets, false)) and (not $apart or count(distinct verdict) > 1)
), units as (
    select m.trace_id, m.span_id, null::varchar as session, m.drawn, h.start_time, h.service, h.environment, h.release,
           case when len(h.models) = 1 then h.models[1] end as model, case when len(h.prompts) = 1 then h.prompts[1] end as prompt,
           case when len(h.variants) = 1 then h.variants[1] end as variant
    from met m join held h on h.trace_id = m.trace_id where m.session_id is null
    union all
    select s.newest, null, m.session_id, m.drawn, s.start_time, s.service, s.environment, s.release, null, null, null
    from met m join (
        select session_id, arg_max(trace_id, (start_time, trace_id)) as newest, max(start_time) as start_time, min(service) as service,
               min(environment) as environment, max(release) as release
        from held where session_id in (select session_id from met where session_id is not null) group by session_id
    ) s on s.session_id = m.session_id
), strata as (
    select *, /* part queue_stratum */ as stratum from units
), ranked as (
    select *, row_number() over (partition by stratum order by drawn, trace_id, span_id) as rank,
           (count(*) over (partition by stratum) / (select share from looked))::bigint as total
    from strata
), picked as (
    select *, row_number() over (order by drawn, trace_id, span_id) as place
    from ranked where rank <= greatest($pool // greatest((select count(distinct coalesce(stratum, '')) from strata), 1), 1)
)
select p.trace_id::varchar as trace_id, printf('%016x', p.span_id) as span_id, p.session as session_id, epoch_us(p.start_time) as start_us, p.stratum, p.total,
       (select share from looked) as looked, p.place, t.name, t.evaluator, t.evaluator_version, t.value, t.label, t.error_type, t.confidence, t.scale
from picked p join told t on t.drawn = p.drawn
where p.place <= $pool
order by p.place, t.name, t.evaluator
