-- One row per trace of a session, a turn, in order of start: those of the numbers after `$skip`, counted from 1, or, where `$trace_id` is one of them,
-- the page of its turn; with `$before` so many turns before the page, which are not `on_page`. `total` counts all.
with numbered as (
    select *, row_number() over (order by start_time, trace_id) as number, count(*) over () as total
    from trace_summaries where project_id = $project_id and session_id = $session_id
), opened as (
    select coalesce((select (number - 1) // $page_size * $page_size from numbered where trace_id = $trace_id::uuid), $skip) as skip
)
select number, total, number > (select skip from opened) as on_page, trace_id::varchar as trace_id, epoch_us(start_time) as start_us,
       start_time, duration_ns, root_span_id, root_name, root_missing, status, errors, error_type, error_message, spans,
       model_calls_ok, model_calls_failed, tool_executions, input_tokens, output_tokens,
       unknown_usage_calls, coalesce(half_told_calls, 0) as half_told_calls, cost_usd, coalesce(unpriced_calls, 0) as unpriced_calls,
       reported_cost_usd, user_id, models, coalesce(sample, false) as sample
from numbered
where number > (select skip from opened) - $before and number <= (select skip from opened) + $page_size
order by number
