-- One row per instrumentation scope that told a model or embedding call in the project.
select distinct scope_name from spans where project_id = $project_id and kind in ('llm', 'embedding') order by 1
