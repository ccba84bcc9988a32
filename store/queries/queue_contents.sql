-- One row per item of a queue that is not removed, by number: what is shown of it.
select i.number, i.key, i.unit, i.trace_id::varchar as trace_id, printf('%016x', i.span_id) as span_id, i.session_id, i.content,
       i.gold is not null as gold, i.attributes
from queue_items as i join queues as q on q.queue_id = i.queue_id
where q.project_id = $project_id and q.name = $queue and i.removed_at is null and i.number > $after
order by i.number
limit $page_size
