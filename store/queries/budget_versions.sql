-- One row per version of the project's budgets, newest first.
select version, entries, set_at, author, document from budgets where project_id = $project_id order by version desc limit $max_rows
