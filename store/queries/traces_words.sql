-- One row per trace of the list `$traces`, in no order: what went in and what came out, in the words of its root (`$roots`, in the same order),
-- else those of the first model call that was asked and of the last that answered. Their spans start within [since_us, until_us], constants by which most of the table is passed over.
with shown as (
    select unnest($traces::uuid[]) as trace_id, unnest($roots::ubigint[]) as root_span_id
), speakers as (  -- narrow columns only: reading `input` here would unpack the text of every span nearby
    select s.trace_id, max(s.rowid) filter (where s.span_id = w.root_span_id) as root,
           arg_min(s.rowid, s.start_time) filter (where s.kind = 'llm') as first_call,
           arg_max(s.rowid, s.start_time) filter (where s.kind = 'llm') as last_call
    from spans s join shown w on s.trace_id = w.trace_id
    where s.project_id = $project_id and s.start_time >= make_timestamp($since_us) and s.start_time <= make_timestamp($until_us)
    group by s.trace_id
), places as (
    select root as place from speakers union select first_call from speakers union select last_call from speakers
), told as (  -- content that arrived in logs
    select trace_id, span_id, input, output from span_derived
    where project_id = $project_id and trace_id in (select trace_id from shown)
), texts as (  -- by rowid: fifty scattered traces take 10 ms, by key 300 ms (10 million spans)
    select s.rowid as place, left(coalesce(s.input, d.input), $letters) as input, s.input_key,
           left(coalesce(s.output, d.output), $letters) as output, s.output_key
    from places p join spans s on s.rowid = p.place
    left join told d on d.trace_id = s.trace_id and d.span_id = s.span_id
)
select k.trace_id::varchar as trace_id, coalesce(r.input, f.input) as input, case when r.input is null then f.input_key else r.input_key end as input_key,
       coalesce(r.output, l.output) as output, case when r.output is null then l.output_key else r.output_key end as output_key
from speakers k
left join texts r on r.place = k.root
left join texts f on f.place = k.first_call
left join texts l on l.place = k.last_call
