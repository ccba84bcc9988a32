-- The newest score that each ruler (name, evaluator, version) gave each target whose trace or session people labelled, and verdicts of runs on the traces of
-- their answers: those that failed or say nothing are left out. `target` and `trace` are hashes as of judge_labels; cluster: the session, else the user, else the trace.
with labelled as materialized (
    select * from /* part people_labelled */ people
), told as materialized (
    select number, name, evaluator, evaluator_version, trace_id, span_id, session_id, place from /* part judge_told */ every_score
    where trace_id in (select trace_id from labelled where trace_id is not null) or session_id in (select session_id from labelled where session_id is not null)
), newest as materialized (
    select name, evaluator, evaluator_version, trace_id, span_id, session_id, arg_max(number, place) as number from told group by all
), belongs as materialized (
    select trace_id, session_id, user_id from trace_summaries where project_id = $project_id and trace_id in (select trace_id from newest where trace_id is not null)
), answers as materialized (
    select run_id, trace_id, item, content, numbers from run_rows
    where project_id = $project_id and trace_id in (select trace_id from labelled where trace_id is not null)
), judged as materialized (
    select * from /* part judge_runs */ every_run where run_id in (select run_id from answers)
)
select n.name, coalesce(n.evaluator, '') as evaluator, coalesce(n.evaluator_version, '') as version, hash(n.trace_id, n.span_id, n.session_id) as target,
       hash(n.trace_id) as trace, n.span_id is null as whole, n.session_id is not null as of_session, s.value, s.label,
       coalesce(s.metadata['example'] = 'yes', false) as example,
       case when n.session_id is not null then hash('session', n.session_id) when b.session_id is not null then hash('session', b.session_id)
            when b.user_id is not null then hash('user', b.user_id) else hash(n.trace_id) end as cluster
from newest n
join scores s on s.rowid = n.number
left join belongs b on b.trace_id = n.trace_id
where s.error_type is null and (s.value is not null or s.label is not null)
union all
select j.name, coalesce(j.evaluator, ''), coalesce(j.version, ''), hash(a.trace_id, null::ubigint, null::varchar), hash(a.trace_id), true, false, a.numbers[j.name], null, false,
       hash('item', a.item, a.content)
from answers a join judged j on j.run_id = a.run_id
where a.numbers[j.name] is not null
order by 1, 2, 3, 4
