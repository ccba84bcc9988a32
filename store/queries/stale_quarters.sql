-- (project_id, quarter) to sum next, of one project and within a day, in order of time: stale for `$quiet_s` seconds, and over.
with due as (
    select project_id, quarter from stale_call_sums
    where noted_at < now() at time zone 'utc' - to_seconds($quiet_s)
      and quarter < now() at time zone 'utc' - to_seconds($quiet_s) - interval 15 minutes
), first as (
    select project_id, quarter from due order by project_id, quarter limit 1
)
select d.project_id, d.quarter from due d join first f on f.project_id = d.project_id
where d.quarter < f.quarter + interval 1 day
order by d.quarter limit $most
