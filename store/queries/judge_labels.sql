-- What people say: one row per name, target and author, the newest label of each, without those that were taken back. `target` and `trace` are hashes.
-- Of a label of a queue: how the item was drawn, whether it is gold or removed, and the newest decision on its field, as JSON.
-- A queue may have the name of one that was taken away: labels know theirs by its id, and older ones by time.
-- The rows are found by narrow columns first: to carry along what they say takes several times as long.
with told as materialized (
    select rowid as number, name, trace_id, span_id, session_id, author, (commit_seq, time, score_id) as place
    from scores
    where project_id = $project_id and source = 'human' and response_id is null and (len($labels::varchar[]) = 0 or list_contains($labels::varchar[], name))
), newest as materialized (
    select name, trace_id, span_id, session_id, author, arg_max(number, place) as number from told group by all
), said as materialized (
    select n.name, n.trace_id, n.span_id, n.session_id, n.author, s.commit_seq, s.value, s.label, s.time, s.metadata['scale'] as scale,
           s.metadata['queue'] as queue, try_cast(s.metadata['queue_id'] as uuid) as queue_id, try_cast(s.metadata['item'] as integer) as item
    from newest n join scores s on s.rowid = n.number
    where s.error_type is null
), drawn as (
    select q.name as queue, q.created_at, i.number as item, i.attributes['sampling'] as sampling, i.origin, i.gold,
           i.removed_at is not null as removed, q.queue_id
    from queues q join queue_items i on i.queue_id = q.queue_id
    where q.project_id = $project_id and q.name in (select queue from said where queue is not null)
), decided as (
    select queue_id, number, field, arg_max_null(answer, decided_at) as answer from label_decisions where project_id = $project_id group by queue_id, number, field
)
select s.name, hash(s.trace_id, s.span_id, s.session_id) as target, hash(s.trace_id) as trace, s.span_id is null as whole, s.session_id is not null as of_session,
       coalesce(s.author, '') as author, s.value, s.label, s.time, s.scale, s.queue, d.sampling, d.origin, json_extract_string(d.gold, concat('$."', s.name, '"')) as gold,
       coalesce(d.removed, false) as removed, c.answer as decision
from said s
left join drawn d on d.queue = s.queue and d.item = s.item and coalesce(d.queue_id = s.queue_id, s.time >= d.created_at)
left join decided c on c.queue_id = d.queue_id and c.number = s.item and c.field = s.name
order by s.name, target, author
