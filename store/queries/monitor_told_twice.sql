-- In place of `monitor_told`: of these rows those whose target a person may have scored too. What a response id names is not known here, so that
-- such rows are kept, and all rows if a person's has one.
with named as materialized (
    select * from /* part scores_standing */ standing where name in (select unnest($scores::varchar[])) and $with_person
), people as materialized (
    select trace_id, session_id, response_id from named where source = 'human'
)
select * from named
where trace_id in (select trace_id from people) or session_id in (select session_id from people where session_id is not null)
   or response_id is not null or exists (select 1 from people where response_id is not null)
