-- Evaluators of runs, a row per run and name that its suite calls one by: run_id, name, evaluator, version, scale (JSON; null: not told), answers, started_at.
-- A part of other queries.
with named as (
    select run_id, manifest, summary, answers_done as answers, coalesce(started_at, created_at) as started_at, unnest(json_keys(manifest, '$.evaluators')) as name
    from runs where project_id = $project_id and manifest is not null and summary is not null
)
select run_id, name, json_extract_string(manifest, concat('$.evaluators."', name, '".evaluator')) as evaluator,
       json_extract_string(manifest, concat('$.evaluators."', name, '".version')) as version,
       list_extract(json_extract(summary, '$.evaluators[*].scale'), list_position(json_extract_string(summary, '$.evaluators[*].name'), name))::varchar as scale,
       answers, started_at
from named
