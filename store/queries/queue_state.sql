-- One row: counts, newest times and hashes that change whenever an answer about the queue's labels may.
select q.queue_id, q.version,
       (select count(*) from queue_items as i where i.queue_id = q.queue_id and i.removed_at is null) as items,
       -- An item may be taken out while another is put back, and right answers may change.
       (select bit_xor(hash(i.number)) from queue_items as i where i.queue_id = q.queue_id and i.removed_at is null) as which,
       (select bit_xor(hash(i.number, i.gold)) from queue_items as i
        where i.queue_id = q.queue_id and i.removed_at is null and i.gold is not null) as gold,
       (select count(*) from labels as l where l.queue_id = q.queue_id) as labels,
       (select max(l.saved_at) from labels as l where l.queue_id = q.queue_id) as labelled_at,
       (select count(*) from label_decisions as d where d.queue_id = q.queue_id) as decisions,
       (select max(d.decided_at) from label_decisions as d where d.queue_id = q.queue_id) as decided_at
from queues as q
where q.project_id = $project_id and q.name = $queue
