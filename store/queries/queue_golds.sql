-- One row per item whose right answers are known.
select i.number, i.gold
from queue_items as i join queues as q on q.queue_id = i.queue_id
where q.project_id = $project_id and q.name = $queue and i.gold is not null and i.removed_at is null
order by i.number
