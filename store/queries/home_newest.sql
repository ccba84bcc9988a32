-- One row: the span of time that the store covers, and whether the newest trace is sample data (resource attribute
-- `assayline.sample`). Over an empty store the times and `sample` are null and `traces` is 0.
with edges as (
    select count(*) as traces, min(start_time) as oldest, max(start_time) as newest from trace_summaries where project_id = $project_id
), newest_span as (
    select s.origin_id from spans s, edges
    where s.project_id = $project_id and s.start_time >= edges.newest and s.start_time <= edges.newest
    limit 1
)
select edges.traces, edges.oldest, edges.newest,
       (select max(case when o.resource['assayline.sample'] = 'true' then 1 else 0 end) = 1
        from origins o join newest_span n on o.origin_id = n.origin_id where o.project_id = $project_id) as sample
from edges
