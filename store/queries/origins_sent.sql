-- One row per origin of the list `$origins`.
select * exclude (project_id) from origins where project_id = $project_id and origin_id in (select unnest($origins::ubigint[]))
