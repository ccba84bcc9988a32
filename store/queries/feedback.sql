-- One row per feedback of an end user told in [since, until), newest first: the latest by target, name and user counts.
-- trace_id and span_id are those of its target; of a response id those of its model call (null: it is not there, or the id is not known yet).
with kept as (
    select *, count(*) over () as total from /* part feedback_told */ told
    where ($low::boolean is null or $low = (value is not null and (value < 0.5 or kind = 'stars' and value <= 2)))
      and ($text::boolean is null or $text = (explanation is not null))
    order by time desc, name, trace_id, span_id, response_id, author
    limit $page_size offset $skip
), found as (
    select response_id, arg_min({trace_id: trace_id, span_id: span_id}, (start_time, span_id)) as call
    from spans where project_id = $project_id and response_id in (select response_id from kept where response_id is not null)
    group by response_id
)
select k.name, k.kind, k.value, k.label, k.explanation, k.author as user_id, k.time,
       coalesce(k.trace_id, f.call.trace_id) as trace_id, printf('%016x', coalesce(k.span_id, f.call.span_id)) as span_id,
       k.session_id, k.response_id, k.key,
       left(k.explanation, coalesce(try_cast(k.letters as integer), length(k.explanation))) as said,
       case when k.trace_id is not null then exists (
                select 1 from trace_summaries t where t.project_id = $project_id and t.trace_id = k.trace_id)
            when k.response_id is not null then f.call is not null else true end as there,
       k.total
from kept k left join found f on f.response_id = k.response_id
order by k.time desc, k.name, k.trace_id, k.span_id, k.response_id, k.author
