-- One row per user of the list `$users` of whom feedback was told in [since, until): of its newest values by target and name, how many there are, and
-- how many are good (at least a half, of stars more than 2). It is the user's of the trace that it is of, else of who told it.
with told as (
    select author, trace_id, value, kind from /* part feedback_told */ told where value is not null
), owners as (
    select trace_id, user_id from trace_summaries
    where project_id = $project_id and trace_id in (select trace_id from told where trace_id is not null)
)
select coalesce(o.user_id, t.author) as user_id, count(*) as said,
       count(*) filter (where t.value >= 0.5 and not (t.kind is not distinct from 'stars' and t.value <= 2)) as good
from told t left join owners o on o.trace_id = t.trace_id
where coalesce(o.user_id, t.author) in (select unnest($users::varchar[]))
group by 1 order by 1
