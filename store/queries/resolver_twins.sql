-- One row per other trace with a call that another scope of the same service told at the same time (one interval within the
-- other, `slack_us` apart at most), with equal token counts, equal texts, or both failed: not on time alone, see _same_failure in
-- collectors/resolve.py (classes of errors are compared there only). `vendors` is a pattern of scopes. Texts that both know must not
-- differ. All of this is said of single spans, so that what arrives later cannot hide a twin. Bounds: starts in [since, until).
with mine as (
    select rowid as id from spans where project_id = $project_id and trace_id in (select unnest($traces::uuid[]))
), calls as (
    select kind, scope_name, service, parent_span_id, status = 'error' or error_type is not null as failed, http_status,
           input_tokens, output_tokens, coalesce(content_hash, 0::ubigint) >> 32 as asked,
           coalesce(content_hash, 0::ubigint) & 4294967295 as answered,
           epoch_us(start_time) as start_us, epoch_us(start_time) + coalesce(duration_ns, 0) // 1000 as end_us
    from spans
    where rowid in (select id from mine) and kind in ('llm', 'embedding') and usage_role = 'leaf'
), others as (
    select trace_id as other_trace, kind as other_kind, scope_name as other_scope, service as other_service,
           parent_span_id as other_parent, status = 'error' or error_type is not null as other_failed, http_status as other_status,
           input_tokens as other_input, output_tokens as other_output, coalesce(content_hash, 0::ubigint) >> 32 as other_asked,
           coalesce(content_hash, 0::ubigint) & 4294967295 as other_answered,
           epoch_us(start_time) as other_start, epoch_us(start_time) + coalesce(duration_ns, 0) // 1000 as other_end
    from spans
    where project_id = $project_id and start_time >= $since and start_time < $until
      and kind in ('llm', 'embedding') and usage_role = 'leaf'
      and trace_id not in (select unnest($traces::uuid[]))
), pairs as (
    select * from others join calls on other_kind = kind and other_input = input_tokens and other_output = output_tokens
    union all
    select * from others join calls on other_kind = kind and other_asked = asked and other_answered = answered and answered > 0
    union all
    select * from (select * from others where other_failed) join (select * from calls where failed)
      on other_kind = kind and other_start <= end_us + $slack_us and start_us <= other_end + $slack_us
    where coalesce(other_status = http_status, true)
      and (other_parent is null or parent_span_id is null or regexp_matches(other_scope, $vendors) or regexp_matches(scope_name, $vendors))
)
select distinct other_trace::varchar as trace_id
from pairs
where other_scope <> scope_name and other_service is not distinct from service
  and (other_asked = asked or other_asked = 0 or asked = 0) and (other_answered = answered or other_answered = 0 or answered = 0)
  and ((other_start >= start_us - $slack_us and other_end <= end_us + $slack_us)
       or (start_us >= other_start - $slack_us and end_us <= other_end + $slack_us))
