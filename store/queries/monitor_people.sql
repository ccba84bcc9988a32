-- One row: scores of these names that people gave.
select count(*) as scores from scores where project_id = $project_id and source = 'human' and name in (select unnest($scores::varchar[]))
