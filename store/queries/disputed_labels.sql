-- One row per label of these items: the newest edit of each author, if it was saved.
select l.number, i.title, l.author, l.answers ->> ('$."' || $field || '"') as answer, l.comment, l.saved_at, l.queue_version
from labels as l
join queues as q on q.queue_id = l.queue_id
join queue_items as i on i.queue_id = l.queue_id and i.number = l.number and i.removed_at is null
join (
    select queue_id, number, author, max(edit) as edit from labels where number in (select unnest($numbers)) group by all
) as newest on newest.queue_id = l.queue_id and newest.number = l.number and newest.author = l.author and newest.edit = l.edit
where q.project_id = $project_id and q.name = $queue and l.state = 'saved'
order by l.number, l.author
