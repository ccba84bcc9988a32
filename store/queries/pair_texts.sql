-- The texts of the spans `$spans` of a trace, whose ids are 16 hex digits: as in `span_detail`, at most `$letters` letters each. Only spans that start
-- in [since, until).
with asked as (
    select unnest($spans::ubigint[]) as span_id
)
select printf('%016x', s.span_id) as span_id, left(coalesce(d.input, s.input), $letters) as input,
       case when d.input is null then s.input_key end as input_key, left(coalesce(d.output, s.output), $letters) as output,
       case when d.output is null then s.output_key end as output_key
from spans s
left join span_derived d on d.project_id = $project_id and d.trace_id = $trace_id and d.span_id = s.span_id
where s.project_id = $project_id and s.trace_id = $trace_id and s.start_time >= $since and s.start_time < $until
  and s.span_id in (select span_id from asked)
