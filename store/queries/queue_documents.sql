-- One row per version of the queue, oldest first.
select v.version, v.set_at, v.author, v.document
from queue_versions as v join queues as q on q.queue_id = v.queue_id
where q.project_id = $project_id and q.name = $queue and v.document is not null
order by v.version
