-- One row per answer that counts: item, author and field. Of an item and author the newest edit, if it is a saved one.
-- answer is the text of a choice, a number or a text, and JSON of a list.
with asked as (
    select queue_id from queues where project_id = $project_id and name = $queue
), newest as (
    select l.*
    from labels l
    left join (select number, author, max(edit) as edit from labels
               where queue_id = (select queue_id from asked) and edit > 1 group by number, author) again
           using (number, author)
    where l.queue_id = (select queue_id from asked) and l.edit = coalesce(again.edit, 1) and l.state = 'saved'
      and l.number > $after
), told as (
    select number, author, edit, unnest(json_keys(answers)) as field, answers, numbers, comment, seconds, saved_at,
           fields_version, queue_version
    from newest
), decided as (
    select number, field, arg_max_null(answer, decided_at) as answer
    from label_decisions where queue_id = (select queue_id from asked) group by number, field
)
select t.number, i.key, t.author, t.edit, t.field, t.answers ->> ('$."' || t.field || '"') as answer,
       t.numbers[t.field] as value, t.comment, t.seconds, t.saved_at, t.fields_version, t.queue_version,
       i.gold is not null as gold, i.unit, i.trace_id, i.span_id, i.session_id, i.attributes, d.answer ->> '$' as decided
from (select * from told where $field::varchar is null or field = $field) t
join queue_items i on i.queue_id = (select queue_id from asked) and i.number = t.number and i.removed_at is null
left join decided d on d.number = t.number and d.field = t.field
order by t.number, t.author, t.field
limit $max_rows
