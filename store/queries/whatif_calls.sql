-- One row per call of two samples of traces, by the lowest hashes of their ids: `$traces` of all with a call that the filters keep (`drawn`, of
-- `drawn_of`), and `$scored` of those that have a score of this name (null: none). With `$step_us` both are drawn from slices of time alone, in
-- which their first call began: from the `$slices` (`$scored_slices` that have a scored trace) of the lowest hashes; null: one slice. `turn`: calls that the trace made before. `tools`: tools that
-- were offered; null: not told. `score`: the latest of each evaluator and author, their mean; of a call by its span or response id, or of a whole
-- trace, all of whose calls one model answered, and then it stands at the last call.
with kept_calls as not materialized (
    select * from /* part calls_kept */ kept
), found as materialized (
    select trace_id, case when $step_us::bigint is null then 0 else epoch_us(min(start_time)) // $step_us end as slice
    from kept_calls group by trace_id
), slices as materialized (
    select slice from found group by slice order by hash(slice), slice limit $slices
), drawn as materialized (
    select trace_id, (select count(*) from found) as drawn_of from found where slice in (from slices) order by hash(trace_id), trace_id limit $traces
), latest as (
    select trace_id, span_id, response_id, arg_max_null(value, commit_seq) as value, arg_max_null(error_type, commit_seq) as error_type
    from scores where project_id = $project_id and name = $score and session_id is null
    group by trace_id, span_id, response_id, evaluator, author
), verdicts as materialized (
    select trace_id, span_id, response_id, avg(value) as value from latest where value is not null and error_type is null
    group by trace_id, span_id, response_id
), named as (
    select distinct trace_id from verdicts where trace_id is not null
    union
    select distinct s.trace_id from spans s
    where s.project_id = $project_id and s.start_time >= $since and s.start_time < $until
      and s.response_id in (select response_id from verdicts where response_id is not null)
), scored_of as materialized (
    select trace_id, slice from found where trace_id in (select trace_id from named)
), scored_slices as materialized (
    select slice from scored_of group by slice order by hash(slice), slice limit $scored_slices
), scored as materialized (
    select trace_id from scored_of where slice in (from scored_slices) order by hash(trace_id), trace_id limit $scored
), picked as materialized (
    select k.trace_id, k.span_id, k.start_time, k.failed, k.provider, k.model, k.service_tier, k.input_tokens, k.output_tokens, k.cache_read_tokens,
           k.cache_write_tokens, k.reasoning_tokens, k.usage_details, k.duration_ns, k.cost_usd,
           row_number() over same_trace - 1 as turn, count(*) over whole_trace as calls_of_trace,
           min(k.model) over whole_trace is not distinct from max(k.model) over whole_trace as of_one_model,
           (select max(drawn_of) from drawn) as drawn_of, k.trace_id in (select trace_id from drawn) as drawn
    from kept_calls k
    where k.trace_id in (select trace_id from drawn union select trace_id from scored)
    window same_trace as (partition by k.trace_id order by k.start_time, k.span_id), whole_trace as (partition by k.trace_id)
), told as materialized (
    select p.*, f.slice, s.tool_definitions_id, s.response_id
    from picked p join found f on f.trace_id = p.trace_id left join spans s on s.project_id = $project_id and s.trace_id = p.trace_id and s.span_id = p.span_id
         and s.start_time >= $since and s.start_time < $until
)
select t.trace_id::varchar as trace_id, printf('%016x', t.span_id) as span_id,
       t.* exclude (trace_id, span_id, tool_definitions_id, response_id, calls_of_trace, of_one_model),
       case when t.tool_definitions_id is null then 0 else json_array_length(d.definitions) end as tools,
       coalesce(v.value, r.value, case when t.of_one_model and t.turn + 1 = t.calls_of_trace then w.value end) as score
from told t
left join tool_definitions d on d.project_id = $project_id and d.tool_definitions_id = t.tool_definitions_id
left join verdicts v on v.trace_id = t.trace_id and v.span_id = t.span_id
left join verdicts r on r.response_id = t.response_id and r.span_id is null
left join verdicts w on w.trace_id = t.trace_id and w.span_id is null and w.response_id is null
order by t.trace_id, t.turn
