-- Traces that one may be compared with, at most `$most` of each reason, nearest in time first, that started in [since_us, until_us): those of its name, those
-- of its session, and those that used another version of one of its prompts (`$others`: their names, `$prompts`: with versions).
with near as (
    select trace_id, abs(epoch_us(start_time) - $at_us) as apart_us, root_name = $name as named, session_id = $session_id as together,
           list_has_any($others::varchar[], [split_part(p, '@', 1) for p in prompts if not list_contains($prompts::varchar[], p)]) as versioned
    from trace_summaries
    where project_id = $project_id and trace_id <> $trace_id
      and start_time >= make_timestamp($since_us) and start_time < make_timestamp($until_us)
), picked as (
    select 'name' as why, unnest(arg_min(trace_id, apart_us, $most) filter (where named)) as trace_id from near
    union all
    select 'session', unnest(arg_min(trace_id, apart_us, $most) filter (where together)) from near
    union all
    select 'prompt', unnest(arg_min(trace_id, apart_us, $most) filter (where versioned)) from near
)
select p.why, t.trace_id::varchar as trace_id, t.start_time, t.root_name, t.status, t.duration_ns, t.session_id, t.prompts, t.models
from picked p join trace_summaries t on t.trace_id = p.trace_id
where t.project_id = $project_id and t.start_time >= make_timestamp($since_us) and t.start_time < make_timestamp($until_us)
order by p.why, abs(epoch_us(t.start_time) - $at_us), t.trace_id
