-- One row per other trace with a call that another scope of the same service told at the same time (one interval within the
-- other, `slack_us` apart at most), with equal token counts, equal texts, or both failed. Bounds: starts in [since, until).
with mine as (
    select rowid as id from spans where project_id = $project_id and trace_id in (select unnest($traces::uuid[]))
), calls as (
    select kind, scope_name, service, status = 'error' or error_type is not null as failed, input_tokens, output_tokens, content_hash,
           epoch_us(start_time) as start_us, epoch_us(start_time) + coalesce(duration_ns, 0) // 1000 as end_us
    from spans
    where rowid in (select id from mine) and kind in ('llm', 'embedding') and usage_role = 'leaf'
), others as (
    select trace_id, kind, scope_name, service, status = 'error' or error_type is not null as failed,
           input_tokens, output_tokens, content_hash,
           epoch_us(start_time) as start_us, epoch_us(start_time) + coalesce(duration_ns, 0) // 1000 as end_us
    from spans
    where project_id = $project_id and start_time >= $since and start_time < $until
      and kind in ('llm', 'embedding') and usage_role = 'leaf'
      and trace_id not in (select unnest($traces::uuid[]))
), pairs as (
    select o.trace_id, o.scope_name as other_scope, c.scope_name, o.service as other_service, c.service,
           o.start_us as other_start, o.end_us as other_end, c.start_us, c.end_us
    from others o join calls c on o.kind = c.kind and o.input_tokens = c.input_tokens and o.output_tokens = c.output_tokens
    union all
    select o.trace_id, o.scope_name, c.scope_name, o.service, c.service, o.start_us, o.end_us, c.start_us, c.end_us
    from others o join calls c on o.kind = c.kind and o.content_hash = c.content_hash
    union all
    select o.trace_id, o.scope_name, c.scope_name, o.service, c.service, o.start_us, o.end_us, c.start_us, c.end_us
    from (select * from others where failed) o
    join (select * from calls where failed) c
      on o.kind = c.kind and o.start_us <= c.end_us + $slack_us and c.start_us <= o.end_us + $slack_us
)
select distinct trace_id::varchar as trace_id
from pairs
where other_scope <> scope_name and other_service is not distinct from service
  and ((other_start >= start_us - $slack_us and other_end <= end_us + $slack_us)
       or (start_us >= other_start - $slack_us and end_us <= other_end + $slack_us))
