-- One row per project that the caller's project may see, which is itself, with what is stored under it.
select project_id, name, created_at from projects where project_id = $project_id
