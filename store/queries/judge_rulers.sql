-- One row per ruler (name, evaluator, version) of scores that no person gave, and of verdicts of runs, oldest last first: how many, how many failed, when, and what the newest says of
-- the model that was asked, of the normaliser that read its traces, and of its scale (null: it does not say).
with told as materialized (
    select rowid as number, name, evaluator, evaluator_version, source, error_type is not null as failed, (commit_seq, time, score_id) as place, time
    from scores where project_id = $project_id and source not in ('human', 'user')
), counted as materialized (
    select name, evaluator, evaluator_version, count(*) as scores, count(*) filter (where failed) as failed, min(time) as first_at, max(time) as last_at,
           coalesce(arg_max(number, place) filter (where not failed), arg_max(number, place)) as newest
    from told group by all
), told_by as (
    select c.name, coalesce(c.evaluator, '') as evaluator, coalesce(c.evaluator_version, '') as version, c.scores, c.failed, c.first_at, c.last_at, s.source,
           s.metadata['model'] as model, try_cast(s.metadata['normaliser'] as integer) as normaliser, s.metadata['scale'] as scale
    from counted c join scores s on s.rowid = c.newest
    union all
    select name, coalesce(evaluator, ''), coalesce(version, ''), sum(answers), 0, min(started_at), max(started_at), 'run', null, null, arg_max(scale, started_at)
    from /* part judge_runs */ every_run group by name, evaluator, version
)
select name, evaluator, version, sum(scores)::bigint as scores, sum(failed)::bigint as failed, min(first_at) as first_at, max(last_at) as last_at,
       min(source) as source, max(model) as model, max(normaliser) as normaliser, max(scale) as scale
from told_by group by name, evaluator, version
order by last_at, name, evaluator, version
limit $max_rows
