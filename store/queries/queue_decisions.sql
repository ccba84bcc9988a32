-- One row per item and field that was decided: the newest decision, unless it was taken back.
select number, field, answer ->> '$' as answer, why, author, decided_at
from (
    select d.number, d.field, d.answer, d.why, d.author, d.decided_at,
           row_number() over (partition by d.number, d.field order by d.decided_at desc, d.rowid desc) as newest
    from label_decisions as d
    join queues as q on q.queue_id = d.queue_id
    join queue_items as i on i.queue_id = d.queue_id and i.number = d.number and i.removed_at is null
    where q.project_id = $project_id and q.name = $queue
) as told
where newest = 1 and answer is not null
order by number, field
