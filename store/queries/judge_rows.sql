-- The newest score that one ruler gave each target, and its verdicts in runs, with what is known of the trace: all whose trace or session people labelled, and of the others those with
-- the lowest hashes, some `$most`. `target`, `trace`, `cluster`: as of judge_met. `value` null: it says a label alone. `scored` counts all targets.
with told as materialized (
    select number, trace_id, span_id, session_id, place from /* part judge_told */ every_score
    where name = $score and coalesce(evaluator, '') = $evaluator and coalesce(evaluator_version, '') = $version
), newest as materialized (
    select trace_id, span_id, session_id, arg_max(number, place) as number from told group by all
), labelled as materialized (
    select * from /* part people_labelled */ people
), of_runs as materialized (
    select j.run_id, j.name from /* part judge_runs */ j where name = $score and coalesce(evaluator, '') = $evaluator and coalesce(version, '') = $version
), answers as materialized (
    select trace_id, item, content, run_id, place, repeat, numbers[$score] as value from run_rows
    where project_id = $project_id and run_id in (select run_id from of_runs) and numbers[$score] is not null
), counted as (
    select (select count(*) from newest) + (select count(*) from answers) as scored
), drawn as materialized (
    select n.*, c.scored from newest n, counted c
    where hash(n.trace_id, n.session_id)::double < 18446744073709551616.0::double * $most / c.scored
       or trace_id in (select trace_id from labelled where trace_id is not null) or session_id in (select session_id from labelled where session_id is not null)
), about as materialized (
    select trace_id, session_id, user_id, service, environment, release, output_tokens,
           case when len(models) = 1 then models[1] when len(models) > 1 then 'several' end as model,
           case when len(prompts) = 1 then prompts[1] when len(prompts) > 1 then 'several' end as prompt,
           case when len(variants) = 1 then variants[1] when len(variants) > 1 then 'several' end as variant
    from trace_summaries where project_id = $project_id and trace_id in (select trace_id from drawn where trace_id is not null union select trace_id from answers where trace_id is not null)
)
select hash(n.trace_id, n.span_id, n.session_id) as target, hash(n.trace_id) as trace, n.span_id is null as whole, n.session_id is not null as of_session,
       case when n.session_id is not null then hash('session', n.session_id) when a.session_id is not null then hash('session', a.session_id)
            when a.user_id is not null then hash('user', a.user_id) else hash(n.trace_id) end as cluster,
       n.trace_id::varchar as trace_id, n.span_id, n.session_id, s.value, s.label, a.model, a.prompt, a.variant, a.release, a.service, a.environment,
       a.output_tokens, s.metadata['position'] as position, case when $details then s.metadata['details'] end as details,
       try_cast(s.metadata['normaliser'] as integer) as normaliser, coalesce(s.metadata['example'] = 'yes', false) as example, n.scored
from drawn n
join scores s on s.rowid = n.number
left join about a on a.trace_id = n.trace_id
where s.error_type is null and (s.value is not null or s.label is not null)
union all
select case when n.trace_id is null then hash(n.run_id, n.place, n.repeat) else hash(n.trace_id, null::ubigint, null::varchar) end,
       case when n.trace_id is null then hash(n.run_id, n.place, n.repeat) else hash(n.trace_id) end, true, false, hash('item', n.item, n.content),
       n.trace_id::varchar, null, null, n.value, null, a.model, a.prompt, a.variant, a.release, a.service, a.environment, a.output_tokens, null, null, null, false, c.scored
from answers n cross join counted c left join about a on a.trace_id = n.trace_id
order by target
