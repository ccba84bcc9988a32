-- One row per version of the project's own prices, newest first.
select version, entries, set_at, author, document from own_prices where project_id = $project_id order by version desc limit $max_rows
